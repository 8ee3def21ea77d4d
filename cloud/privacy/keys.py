"""The key of the address that is kept for a fan, handed over to them.

It is told once, in an answer that nobody keeps: no idempotency key holds it (a PUT has none), no
mail, no audit and no log. From then on the address counts as a wallet that the fan has linked.
"""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from solders.keypair import Keypair

from cloud.accounts import repository as accounts_repository
from cloud.accounts.model import Password
from cloud.accounts.repository import Account
from cloud.accounts.service import Accounts
from cloud.accounts.sessions import signed_in
from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.errors import Refusal
from cloud.http.access import Principal, fan
from cloud.http.dependencies import entered
from cloud.http.kernel import Sealer
from cloud.ledger.web import wallets
from cloud.ledger.work import keys
from cloud.notify import putting
from cloud.notify.model import Kind
from cloud.privacy.proving import proved_again

KEY: Final = "/v1/tenants/{tenant_id:uuid}/wallet/key"


class TakeOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks, once more."""

    password: Annotated[
        Password | None,
        Meta(description="Only for an account without one: a sign-in of the last ten minutes."),
    ] = None


class KeyOut(msgspec.Struct, frozen=True):
    """The key, in the two forms that wallets import. Whoever has it has what is at the address."""

    address: str
    secret_key: Annotated[str, Meta(description="64 bytes in base58, secret and public half.")]
    keypair: Annotated[
        list[int], Meta(description="The same bytes as numbers, as in the command line's files.")
    ]

    def __repr__(self) -> str:
        return f"KeyOut({self.address})"


@put(KEY, opt={**fan(), "sensitive": True}, tags=["ledger"], operation_id="exportWalletKey",
     summary="Take over the key of the kept address")  # fmt: skip
async def export_key(
    tenant_id: FromPath[UUID],
    data: JSONBody[TakeOver],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
    sealer: NamedDependency[Any],
) -> KeyOut:
    """Return the key of the address where your tickets are kept, once: nobody can say it again.

    The address is your own wallet from then on, and nothing is signed with its key here. Refused
    with `wallet_sign_in`, and with `wallet_linked` where a wallet of yours is linked. If the
    answer is lost, unlink the wallet: your tickets then go to another address.
    """
    async with accounts.hashing.slot():
        tx, _ = await entered(request, tenant_id)
        ptx = PlatformTx(tx.conn, tx.origin, tx.now)  # accounts are in no tenant
        account = await signed_in(ptx, principal)
        await accounts.count("password", str(account.account_id), accounts.rules.tries)
        locked = await accounts_repository.by_id(ptx, account.account_id)
        if locked is None:
            raise Refusal("credentials_invalid")
        known = data.password is not None or locked.password is None
        if not (known and await proved_again(ptx, accounts, locked, principal, data.password)):
            raise Refusal("wallet_sign_in", field="/password")
    return _shown(await _handed_over(tx, locked, sealer))


async def _handed_over(tx: TenantTx, account: Account, sealer: Sealer) -> Keypair:
    kept = await wallets.kept(tx, account.account_id)
    key = (await keys.opened(tx, sealer)).of_fan(tx.tenant, kept)
    await wallets.hand_over(tx, kept, key.pubkey())
    about = {"address": str(key.pubkey())}
    await putting.to_account(tx, Kind.KEY_EXPORTED, account.account_id, about)
    await tx.audit("wallet.exported", f"account:{account.account_id}", number=kept.exports)
    return key


def _shown(key: Keypair) -> KeyOut:
    return KeyOut(str(key.pubkey()), str(key), list(bytes(key)))
