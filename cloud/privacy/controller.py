"""A person's data over HTTP."""

from typing import Any, Final

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from cloud.accounts import repository as accounts_repository
from cloud.accounts.model import canonical
from cloud.accounts.service import Accounts
from cloud.accounts.sessions import signed_in
from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.errors import Refusal
from cloud.http.access import Principal, fan, needs
from cloud.http.dependencies import provide_ptx
from cloud.privacy import person
from cloud.privacy.keys import export_key
from cloud.privacy.model import Erase, Erased, EraseGuest, Export
from cloud.privacy.proving import proved_again

ME: Final = "/v1/accounts/me"


@get(f"{ME}/export", opt={**fan(), "sensitive": True}, tags=["privacy"], operation_id="exportMe",
     summary="Export your data")  # fmt: skip
async def export_me(
    ptx: NamedDependency[PlatformTx], principal: NamedDependency[Principal]
) -> Export:
    """Return everything that is held about you, over all organizers."""
    account = await signed_in(ptx, principal)
    answer = await person.export(ptx, account)
    await ptx.audit("account.exported", f"account:{account.account_id}")
    return answer


@post(
    f"{ME}/erase",
    status_code=200,
    opt={**fan(), "sensitive": True},
    tags=["privacy"],
    operation_id="eraseMe",
    summary="Erase yourself",
)
async def erase_me(
    data: JSONBody[Erase],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
) -> Erased:
    """Erase your account, your name and your address, for good. What you paid stays booked.

    Your tickets still admit whoever shows their codes. Refused with `erase_sign_in`,
    `erase_sole_owner` (and of whom) and, unless confirmed, `erase_future_tickets` (and which).
    """
    async with accounts.hashing.slot():
        ptx = await provide_ptx(request)
        account = await signed_in(ptx, principal)
        await accounts.count("password", str(account.account_id), accounts.rules.tries)
        locked = await accounts_repository.by_id(ptx, account.account_id)
        if locked is None:
            raise Refusal("credentials_invalid")
        if not await proved_again(ptx, accounts, locked, principal, data.password):
            raise Refusal("erase_sign_in", field="/password")
    return await person.erase(ptx, locked, confirm=data.confirm)


@post(
    "/v1/tenants/{tenant_id:uuid}/privacy/erase",
    status_code=200,
    opt=needs("privacy:write"),
    tags=["privacy"],
    operation_id="eraseGuest",
    summary="Erase a guest",
)
async def erase_guest(data: JSONBody[EraseGuest], tx: NamedDependency[TenantTx]) -> Erased:
    """Erase the name and address of a guest without an account. Their tickets still admit.

    Who has an account erases it alone, everywhere at once.
    """
    return await person.erase_guest(tx, canonical(data.email))


ROUTES: Final = (export_me, erase_me, erase_guest, export_key)
