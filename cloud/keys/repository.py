"""Keys and keysets in PostgreSQL. Row-level security adds the tenant to every query."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.keys.model import KeyRow, NewKey, Role

LOCK: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock(hashtextextended('usher/keys/' || current_tenant()::text, 0))
"""


async def lock(tx: TenantTx) -> None:
    """Let one transaction at a time change the tenant's keys and sign its keyset."""
    await tx.conn.execute(LOCK)


KEYS: Final[LiteralString] = """
    SELECT k.public, k.kid, k.role, k.event_id, e.ref AS event_ref, k.not_before, k.not_after,
           k.signs_from, k.revoked_at, k.sealed
      FROM tenant_key k LEFT JOIN event e USING (tenant_id, event_id)
     WHERE ($1::text IS NULL OR k.role = $1) AND ($2::uuid IS NULL OR k.event_id = $2)
       AND ($3::bytea IS NULL OR k.kid = $3)
     ORDER BY k.role, k.event_id, k.signs_from, k.public
"""


async def keys(
    tx: TenantTx,
    *,
    role: Role | None = None,
    event_id: UUID | None = None,
    kid: bytes | None = None,
) -> list[KeyRow]:
    """Return the tenant's keys: all, or those of a role, an event, a kid."""
    return [_key(row) for row in await tx.conn.fetch(KEYS, role, event_id, kid)]


SIGNING: Final[LiteralString] = """
    SELECT k.public, k.kid, k.sealed, e.ref, e.ends_at
      FROM event e LEFT JOIN LATERAL (
           SELECT public, kid, sealed FROM tenant_key
            WHERE event_id = e.event_id AND revoked_at IS NULL
              AND signs_from <= $2 AND $2 < not_after
            ORDER BY signs_from DESC, public DESC LIMIT 1) k ON true
     WHERE e.event_id = $1
"""


class Signing(NamedTuple):
    """An event, and the key that signs its tickets now, if there is one."""

    public: bytes | None
    kid: bytes
    sealed: bytes
    ref: bytes
    ends_at: datetime


async def issuer_of(tx: TenantTx, event_id: UUID) -> Signing | None:
    """Return the event's reference and end, and the key that signs now."""
    row = await tx.conn.fetchrow(SIGNING, event_id, tx.now)
    if row is None:
        return None
    return Signing(row["public"], row["kid"], row["sealed"], row["ref"], row["ends_at"])


ADD: Final[LiteralString] = """
    INSERT INTO tenant_key
        (public, role, event_id, sealed, not_before, not_after, signs_from, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true
"""


async def add(tx: TenantTx, new: NewKey, public: bytes, sealed: bytes) -> bool:
    """Store a key; False where another of the tenant's keys has its kid."""
    times = (new.not_before, new.not_after, new.signs_from, tx.now)
    args = (public, new.role, new.event_id, sealed, *times)
    return bool(await tx.conn.fetchval(ADD, *args))


REVOKE: Final[LiteralString] = """
    UPDATE tenant_key SET revoked_at = $2 WHERE public = $1 AND revoked_at IS NULL
"""


async def revoke(tx: TenantTx, public: bytes) -> None:
    """Withdraw a key."""
    await tx.conn.execute(REVOKE, public, tx.now)


EXTEND: Final[LiteralString] = """
    UPDATE tenant_key SET not_after = $2 WHERE event_id = $1 AND not_after < $2 RETURNING true
"""


async def extend(tx: TenantTx, event_id: UUID, until: datetime) -> bool:
    """Let an event's keys last until then; whether any of them did not."""
    return bool(await tx.conn.fetch(EXTEND, event_id, until))


RESEAL: Final[LiteralString] = "UPDATE tenant_key SET sealed = $2 WHERE public = $1"


async def reseal(tx: TenantTx, public: bytes, sealed: bytes) -> None:
    """Replace a sealed private half by the same one, sealed again."""
    await tx.conn.execute(RESEAL, public, sealed)


NEWEST: Final[LiteralString] = """
    SELECT version, root, raw, issued_at FROM keyset
     WHERE $1::bytea IS NULL OR root = $1 ORDER BY version DESC LIMIT 1
"""


class Published(NamedTuple):
    """A keyset as published."""

    version: int
    root: bytes
    raw: bytes
    issued_at: datetime


async def newest(tx: TenantTx, root: bytes | None = None) -> Published | None:
    """Return the newest keyset, or the newest that `root` signed."""
    row = await tx.conn.fetchrow(NEWEST, root)
    if row is None:
        return None
    return Published(row["version"], row["root"], row["raw"], row["issued_at"])


PUBLISH: Final[LiteralString] = """
    INSERT INTO keyset (version, root, raw, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)
"""


async def publish(tx: TenantTx, published: Published, expires_at: datetime) -> None:
    """Store a keyset of a new version."""
    await tx.conn.execute(PUBLISH, *published, expires_at)


def _key(row: Row) -> KeyRow:
    return KeyRow(**{name: row[name] for name in KeyRow._fields})
