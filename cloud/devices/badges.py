"""Badges: what people at gates show for what they may do (shared/spec/devices.md §5)."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple, cast

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.devices.registry import CLAIM
from cloud.errors import Refusal
from shared import hashing, keys
from shared.devices.roster import BadgeRole


class Badge(NamedTuple):
    """A badge's row."""

    badge_id: bytes
    public: bytes
    name: str
    role: BadgeRole
    created_at: datetime
    revoked_at: datetime | None


# A key is one device or one badge, and a desk's badge is its worker's.
ADD: Final[LiteralString] = """
    INSERT INTO badge (badge_id, public, name, role, created_at)
    SELECT $1, $2, $3, $4, $5
     WHERE NOT EXISTS (SELECT FROM device
                        WHERE tenant_id = current_tenant() AND $2 IN (public, badge))
    ON CONFLICT DO NOTHING RETURNING *
"""


async def add(tx: TenantTx, public: bytes, name: str, role: BadgeRole) -> Badge:
    """List a badge by its public key. Whoever calls this publishes the roster."""
    if not keys.is_valid_point(public):
        raise Refusal("device_weak_key", field="/public")
    badge = hashing.badge_id(public)
    await tx.conn.execute(CLAIM, public)
    row = await tx.conn.fetchrow(ADD, badge, public, name, role, tx.now)
    if row is None:
        raise Refusal("badge_known", field="/public")
    await tx.audit("badge.made", f"badge:{badge.hex()}", role=role)
    return _badge(row)


LIST: Final[LiteralString] = """
    SELECT * FROM badge WHERE tenant_id = current_tenant() AND badge_id > $1
     ORDER BY badge_id LIMIT $2
"""


async def every(tx: TenantTx, after: bytes, limit: int) -> list[Badge]:
    """Return badges in the order of their ids."""
    return [_badge(row) for row in await tx.conn.fetch(LIST, after, limit)]


FIND: Final[LiteralString] = """
    SELECT * FROM badge WHERE tenant_id = current_tenant() AND badge_id = $1 FOR UPDATE
"""
REVOKE: Final[LiteralString] = """
    UPDATE badge SET revoked_at = $2 WHERE tenant_id = current_tenant() AND badge_id = $1
 RETURNING *
"""


async def revoke(tx: TenantTx, badge: bytes, at: datetime | None) -> Badge:
    """Withdraw a badge: what it vouched for before still counts. Whoever calls this publishes the
    roster.

    `at`: from when on it was lost, no later than now; a second call may only set it earlier.
    """
    row = await tx.conn.fetchrow(FIND, badge)
    if row is None:
        raise Refusal("not_found")
    since = min(at or tx.now, tx.now)
    if row["revoked_at"] is None or since < row["revoked_at"]:
        row = await tx.conn.fetchrow(REVOKE, badge, since) or row
        await tx.audit("badge.revoked", f"badge:{badge.hex()}", since=int(since.timestamp()))
    return _badge(row)


def _badge(row: Row) -> Badge:
    read = Badge(**{name: row[name] for name in Badge._fields})
    return read._replace(role=cast("BadgeRole", row["role"]))
