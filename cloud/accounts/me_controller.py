"""One's own account over HTTP."""

from typing import Any, Final

from litestar import Request, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from cloud.accounts import mail, repository, session_repository
from cloud.accounts.model import Access, AccountChange, AccountOut, PasswordChange, fit
from cloud.accounts.service import Accounts
from cloud.accounts.sessions import Why, shown, signed_in
from cloud.db.tenancy import PlatformTx
from cloud.errors import Refusal
from cloud.http.access import Principal, fan
from cloud.http.dependencies import provide_ptx

ME: Final = "/v1/accounts/me"


@get(ME, opt=fan(), tags=["accounts"], operation_id="readMe", summary="Read your account")
async def read_me(
    ptx: NamedDependency[PlatformTx], principal: NamedDependency[Principal]
) -> AccountOut:
    """Return the account that calls."""
    return shown(await signed_in(ptx, principal))


@patch(ME, opt=fan(), tags=["accounts"], operation_id="changeMe", summary="Change your account")
async def change_me(
    data: JSONBody[AccountChange],
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
) -> AccountOut:
    """Change your name or language."""
    account = await signed_in(ptx, principal)
    await repository.change(ptx, account.account_id, data.name, data.locale)
    await ptx.audit("account.changed", f"account:{account.account_id}")
    return shown(await signed_in(ptx, principal))


@post(
    f"{ME}/password",
    status_code=200,
    opt={**fan(), "sensitive": True},
    tags=["accounts"],
    operation_id="changePassword",
    summary="Change your password",
)
async def change_password(
    data: JSONBody[PasswordChange],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
) -> Access:
    """Change your password. Your other sessions end, and every access token so far is void."""
    async with accounts.hashing.slot():
        ptx = await provide_ptx(request)
        account = await signed_in(ptx, principal)
        await accounts.count("password", str(account.account_id), accounts.rules.tries)
        # Locked: a sign-in by the old password is over before, or refused after.
        locked = await repository.by_id(ptx, account.account_id)
        stored = locked.password if locked else None
        if not (await accounts.hashing.check(data.current, stored)).ok:
            raise Refusal("sign_in_refused", field="/current")
        fit(data.new, account.email, "/new")
        anew = await accounts.hashing.hash(data.new)
    return await _changed(ptx, accounts, locked or account, anew, principal)


@post(
    f"{ME}/sign-out-everywhere",
    status_code=204,
    opt=fan(),
    tags=["accounts"],
    operation_id="signOutEverywhere",
    summary="Sign out everywhere",
)
async def sign_out_everywhere(
    ptx: NamedDependency[PlatformTx], principal: NamedDependency[Principal]
) -> None:
    """End all your sessions, and make every access token void."""
    account = await signed_in(ptx, principal)
    await repository.raise_epoch(ptx, account.account_id)
    await session_repository.end_all(ptx, account.account_id, Why.EVERYWHERE)
    await ptx.audit("account.signed_out", f"account:{account.account_id}")


async def _changed(
    ptx: PlatformTx,
    accounts: Accounts,
    account: repository.Account,
    stored: str,
    principal: Principal,
) -> Access:
    """Store the new password, end what the old one began, and go on in this session."""
    account_id, session = account.account_id, principal.session
    if session is None:
        raise Refusal("account_required")
    await repository.change_password(ptx, account, stored)
    epoch = await repository.raise_epoch(ptx, account_id)
    await session_repository.end_all(ptx, account_id, Why.PASSWORD, but=session)
    await ptx.audit("account.password_changed", f"account:{account_id}")
    await mail.post(ptx, "mail.changed", f"account:{account_id}", account_id=str(account_id))
    return accounts.account_token(account_id, epoch, session, ptx.now)


ROUTES: Final = (read_me, change_me, change_password, sign_out_everywhere)
