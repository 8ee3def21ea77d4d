"""Accounts in PostgreSQL."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import PlatformTx


class Account(NamedTuple):
    """An account as stored."""

    account_id: UUID
    email: str | None
    email_verified_at: datetime | None
    password: str | None
    name: str
    locale: str
    admin: bool
    epoch: int
    created_at: datetime


CREATE: Final[LiteralString] = """
    INSERT INTO account (email, password, name, locale, email_verified_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING RETURNING account_id
"""


async def create(
    ptx: PlatformTx,
    email: str | None,
    password: str | None,
    *,
    name: str = "",
    locale: str = "en",
    verified: bool = False,
) -> UUID | None:
    """Make an account; None where the address has one."""
    since = ptx.now if verified else None
    made: UUID | None = await ptx.conn.fetchval(
        CREATE, email, password, name, locale, since, ptx.now
    )
    return made


# Locked, so that no session begins while the password changes.
BY_EMAIL: Final[LiteralString] = """
    SELECT account_id, email, email_verified_at, password, name, locale, admin, epoch, created_at
      FROM account WHERE email = $1 FOR NO KEY UPDATE
"""


async def by_email(ptx: PlatformTx, email: str) -> Account | None:
    """Return the account of an address, locked."""
    return _account(await ptx.conn.fetchrow(BY_EMAIL, email))


BY_ID: Final[LiteralString] = """
    SELECT account_id, email, email_verified_at, password, name, locale, admin, epoch, created_at
      FROM account WHERE account_id = $1 AND erased_at IS NULL FOR NO KEY UPDATE
"""


async def by_id(ptx: PlatformTx, account_id: UUID) -> Account | None:
    """Return an account, locked."""
    return _account(await ptx.conn.fetchrow(BY_ID, account_id))


SIGNED_IN: Final[LiteralString] = """
    SELECT a.account_id, a.email, a.email_verified_at, a.password, a.name, a.locale, a.admin,
           a.epoch, a.created_at
      FROM account a JOIN session s USING (account_id)
     WHERE a.account_id = $1 AND s.session_id = $2 AND a.epoch = $3
       AND a.erased_at IS NULL AND s.ended_at IS NULL AND s.expires_at > $4
"""


async def signed_in(ptx: PlatformTx, account_id: UUID, session: UUID, epoch: int) -> Account | None:
    """Return the account of a session that has not ended."""
    return _account(await ptx.conn.fetchrow(SIGNED_IN, account_id, session, epoch, ptx.now))


CHANGE: Final[LiteralString] = """
    UPDATE account SET name = coalesce($2, name), locale = coalesce($3, locale)
     WHERE account_id = $1
"""


async def change(ptx: PlatformTx, account_id: UUID, name: str | None, locale: str | None) -> None:
    """Change what is given."""
    await ptx.conn.execute(CHANGE, account_id, name, locale)


STORE_HASH: Final[LiteralString] = "UPDATE account SET password = $2 WHERE account_id = $1"


async def set_password(ptx: PlatformTx, account_id: UUID, stored: str | None) -> None:
    """Store a password's hash; None: the account signs in elsewhere."""
    await ptx.conn.execute(STORE_HASH, account_id, stored)


# A sign-up's mail, still unread, sets the password that its owner has by now.
FOLLOW: Final[LiteralString] = """
    UPDATE mail_secret SET password = $3
     WHERE account_id = $1 AND password = $2 AND used_at IS NULL
"""


async def change_password(ptx: PlatformTx, account: Account, stored: str) -> None:
    """Store the hash of a password that its owner has changed."""
    await set_password(ptx, account.account_id, stored)
    await ptx.conn.execute(FOLLOW, account.account_id, account.password, stored)


SET_VERIFIED: Final[LiteralString] = """
    UPDATE account SET email_verified_at = coalesce(email_verified_at, $2) WHERE account_id = $1
"""


async def set_verified(ptx: PlatformTx, account_id: UUID) -> None:
    """Note that the account's owner reads mail at its address."""
    await ptx.conn.execute(SET_VERIFIED, account_id, ptx.now)


RAISE_EPOCH: Final[LiteralString] = """
    UPDATE account SET epoch = epoch + 1 WHERE account_id = $1 RETURNING epoch
"""


async def raise_epoch(ptx: PlatformTx, account_id: UUID) -> int:
    """Make every access token void that was issued so far; return the new epoch."""
    epoch: int = await ptx.conn.fetchval(RAISE_EPOCH, account_id)
    return epoch


SET_ADMIN: Final[LiteralString] = """
    UPDATE account SET admin = $2 WHERE email = $1 AND erased_at IS NULL RETURNING account_id
"""


async def set_admin(ptx: PlatformTx, email: str, *, admin: bool) -> UUID | None:
    """Make somebody an administrator of the platform, or no more; None: no such account."""
    found: UUID | None = await ptx.conn.fetchval(SET_ADMIN, email, admin)
    return found


def _account(row: Row | None) -> Account | None:
    return Account(**{name: row[name] for name in Account._fields}) if row else None
