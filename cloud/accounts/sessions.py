"""Sessions: begun by a sign-in, kept by refresh tokens, ended by many things."""

import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from cloud.accounts import mail, refresh, repository, session_repository
from cloud.accounts.model import AccountOut, SessionTokens, SignedIn
from cloud.accounts.refresh import Expired, Reused, Rotated
from cloud.accounts.repository import Account
from cloud.accounts.service import Accounts
from cloud.accounts.session_repository import Held
from cloud.db.tenancy import ACT, PlatformTx
from cloud.errors import Refusal
from cloud.http.access import Principal

MOST_LISTED: Final = 200


class Why(StrEnum):
    """Why a session ended; stored."""

    SIGNED_OUT = "signed_out"
    EVERYWHERE = "everywhere"
    PASSWORD = "password"  # noqa: S105 - it was changed
    REUSED = "reused"
    EXPIRED = "expired"


async def begin(ptx: PlatformTx, accounts: Accounts, account: Account, how: str) -> SignedIn:
    """Begin a session of an account whose row is locked."""
    token = refresh.new_token(secrets.token_bytes(refresh.RANDOM_SIZE))
    lasts = timedelta(seconds=accounts.rules.refresh.absolute)
    family = refresh.begin(token, int(ptx.now.timestamp()))
    session = await session_repository.begin(
        ptx, account.account_id, family.current, ptx.now + lasts
    )
    await become(ptx, account.account_id)
    await ptx.audit("session.begun", f"session:{session}", how=how)
    access = accounts.account_token(account.account_id, account.epoch, session, ptx.now)
    return SignedIn(
        session_id=session,
        access_token=access.access_token,
        expires_in=access.expires_in,
        refresh_token=token,
        account=shown(account),
    )


async def renew(ptx: PlatformTx, accounts: Accounts, presented: str) -> SessionTokens | None:
    """Return the next tokens of a session, or None. Commit either way: see `Reused`."""
    digest = refresh.token_hash(presented)
    held = None if digest is None else await session_repository.held(ptx, digest)
    if held is None:
        return None
    await become(ptx, held.account_id)
    token = refresh.new_token(secrets.token_bytes(refresh.RANDOM_SIZE))
    now = int(ptx.now.timestamp())
    match refresh.rotate(held.family, presented, token, now, accounts.rules.refresh):
        case Rotated(token=token, family=after):
            if after is not held.family:
                await session_repository.advance(ptx, held, after)
            return _tokens(ptx, accounts, held, token)
        case Reused():
            await _betrayed(ptx, held)
        case Expired():
            session, account = held.session_id, held.account_id
            await session_repository.end(ptx, session, account, Why.EXPIRED)
    return None


async def signed_in(ptx: PlatformTx, principal: Principal) -> Account:
    """Return the account that calls, if its session has not ended since its token was made."""
    if principal.account is None or principal.session is None:
        raise Refusal("account_required")
    account = await repository.signed_in(ptx, principal.account, principal.session, principal.epoch)
    if account is None:
        raise Refusal("credentials_invalid")
    return account


async def administrator(ptx: PlatformTx, principal: Principal) -> Account:
    """Return the administrator of the platform who calls, or refuse."""
    account = await signed_in(ptx, principal)
    if not account.admin:
        raise Refusal("admin_required")
    return account


async def become(ptx: PlatformTx, account: UUID) -> None:
    """Write down what follows as done by this account, which has just proved itself."""
    ptx.origin = ptx.origin._replace(actor=f"account:{account}")
    await ptx.conn.execute(ACT, ptx.origin.actor)


def shown(account: Account) -> AccountOut:
    """Return what its owner sees of an account."""
    return AccountOut(
        account.account_id, account.email, account.email_verified_at is not None,
        account.name, account.locale, account.admin, account.created_at,
    )  # fmt: skip


def _tokens(ptx: PlatformTx, accounts: Accounts, held: Held, token: str) -> SessionTokens:
    access = accounts.account_token(held.account_id, held.epoch, held.session_id, ptx.now)
    return SessionTokens(
        session_id=held.session_id,
        access_token=access.access_token,
        expires_in=access.expires_in,
        refresh_token=token,
    )


async def _betrayed(ptx: PlatformTx, held: Held) -> None:
    session, account = held.session_id, held.account_id
    await session_repository.end(ptx, session, account, Why.REUSED)
    # The thief may hold an access token of the session: it must not outlive it.
    await repository.raise_epoch(ptx, account)
    await ptx.audit("session.reused", f"session:{session}")
    await mail.post(ptx, "mail.reused", f"account:{account}", account_id=str(account))
