"""Once more who it is, before what can't be undone."""

from cloud.accounts import session_repository
from cloud.accounts.repository import Account
from cloud.accounts.service import Accounts
from cloud.accounts.sessions import MOST_LISTED
from cloud.db.tenancy import PlatformTx
from cloud.http.access import Principal
from cloud.privacy.model import FRESH


async def proved_again(
    ptx: PlatformTx, accounts: Accounts, account: Account, principal: Principal, given: str | None
) -> bool:
    """Whether the password is right; without one, whether this session began just now."""
    if given is None:
        found = await session_repository.open_sessions(ptx, account.account_id, MOST_LISTED)
        began = [each.created_at for each in found if each.session_id == principal.session]
        return bool(began) and ptx.now - began[0] <= FRESH
    return (await accounts.hashing.check(given, account.password)).ok
