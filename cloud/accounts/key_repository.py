"""The keys of access tokens in PostgreSQL."""

from datetime import datetime
from typing import Final, LiteralString

from cloud.accounts.key_times import TokenKey
from cloud.db.tenancy import PlatformTx

LOCK: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock(hashtextextended('usher/token keys', 0))
"""


async def lock(ptx: PlatformTx) -> None:
    """Let one transaction at a time change the keys."""
    await ptx.conn.execute(LOCK)


KEYS: Final[LiteralString] = """
    SELECT kid, public, sealed, signs_from, retired_at, withdrawn_at FROM token_key
     WHERE withdrawn_at IS NULL AND (retired_at IS NULL OR retired_at > $1)
     ORDER BY signs_from, kid
"""


async def keys(ptx: PlatformTx, retired_after: datetime) -> list[TokenKey]:
    """Return the keys that are in use, and those retired not long ago."""
    rows = await ptx.conn.fetch(KEYS, retired_after)
    return [TokenKey(**{name: row[name] for name in TokenKey._fields}) for row in rows]


ADD: Final[LiteralString] = """
    INSERT INTO token_key (kid, public, sealed, created_at, signs_from) VALUES ($1, $2, $3, $4, $5)
"""
RETIRE: Final[LiteralString] = """
    UPDATE token_key SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL
"""


async def succeed(
    ptx: PlatformTx, kid: str, public: bytes, sealed: bytes, signs_from: datetime
) -> None:
    """Store a key; from its time on no other signs."""
    await ptx.conn.execute(ADD, kid, public, sealed, ptx.now, signs_from)
    await ptx.conn.execute(RETIRE, kid, signs_from)


WITHDRAW: Final[LiteralString] = """
    UPDATE token_key SET withdrawn_at = $2 WHERE kid = $1 AND withdrawn_at IS NULL
"""


async def withdraw(ptx: PlatformTx, kid: str) -> bool:
    """Make a key void; whether it was good."""
    return await ptx.conn.execute(WITHDRAW, kid, ptx.now) == "UPDATE 1"


RESEAL: Final[LiteralString] = "UPDATE token_key SET sealed = $2 WHERE kid = $1"


async def reseal(ptx: PlatformTx, kid: str, sealed: bytes) -> None:
    """Replace a sealed key by the same one, sealed again."""
    await ptx.conn.execute(RESEAL, kid, sealed)
