"""What proves whose an account is, in PostgreSQL: mailed secrets, and identities elsewhere."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import PlatformTx

ADD_MAILED: Final[LiteralString] = """
    INSERT INTO mail_secret (hash, account_id, purpose, password, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def add_secret(
    ptx: PlatformTx,
    digest: bytes,
    account_id: UUID,
    purpose: str,
    expires_at: datetime,
    password: str | None = None,
) -> None:
    """Store the hash of a secret that is being mailed."""
    await ptx.conn.execute(ADD_MAILED, digest, account_id, purpose, password, ptx.now, expires_at)


class Spent(NamedTuple):
    """A mailed secret that came back."""

    account_id: UUID
    password: str | None


# All of the purpose go with the one that came: an older mail opens nothing afterwards.
SPEND: Final[LiteralString] = """
    WITH found AS (
        SELECT account_id, password FROM mail_secret
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
           FOR UPDATE
    ), spent AS (
        UPDATE mail_secret m SET used_at = $3 FROM found
         WHERE m.account_id = found.account_id AND m.purpose = $2 AND m.used_at IS NULL
    ) SELECT account_id, password FROM found
"""


async def spend_secret(ptx: PlatformTx, digest: bytes, purpose: str) -> Spent | None:
    """Use up a secret, and return whose it was."""
    row = await ptx.conn.fetchrow(SPEND, digest, purpose, ptx.now)
    return Spent(row["account_id"], row["password"]) if row else None


LOCK_IDENTITY: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock(hashtextextended('usher/identity/' || $1 || ' ' || $2, 0))
"""
IDENTITY: Final[LiteralString] = """
    SELECT account_id FROM identity WHERE issuer = $1 AND subject = $2
"""
LINK: Final[LiteralString] = """
    INSERT INTO identity (issuer, subject, account_id) VALUES ($1, $2, $3)
"""


async def identified(ptx: PlatformTx, issuer: str, subject: str) -> UUID | None:
    """Return the account of an outside identity; one transaction at a time may ask."""
    await ptx.conn.execute(LOCK_IDENTITY, issuer, subject)
    found: UUID | None = await ptx.conn.fetchval(IDENTITY, issuer, subject)
    return found


async def link(ptx: PlatformTx, issuer: str, subject: str, account_id: UUID) -> None:
    """Let an outside identity sign in to an account."""
    await ptx.conn.execute(LINK, issuer, subject, account_id)


SPEND_OUTSIDE: Final[LiteralString] = """
    INSERT INTO spent_id_token (hash, spent_at) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""


async def spend_id_token(ptx: PlatformTx, digest: bytes) -> bool:
    """Use up an ID token; False if it was used before."""
    return await ptx.conn.execute(SPEND_OUTSIDE, digest, ptx.now) == "INSERT 0 1"
