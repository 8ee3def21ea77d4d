"""The two audits in PostgreSQL: a tenant's, and that of what no tenant owns."""

from typing import Final, LiteralString

from cloud.audit.model import Act, Asked
from cloud.db.connect import Row
from cloud.db.tenancy import PlatformTx, TenantTx

# What isn't asked for is planned away: each set of filters has a plan of its own.
LISTED: Final[LiteralString] = """
    SELECT audit_id, at, actor, action, subject, request_id, host(address) AS address, detail
      FROM audit
     WHERE tenant_id = current_tenant() AND ($1::bigint IS NULL OR audit_id < $1)
       AND ($2 = '' OR subject = $2) AND ($3 = '' OR actor = $3) AND ($4 = '' OR action = $4)
       AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
     ORDER BY audit_id DESC LIMIT $7
"""
PLATFORM_LISTED: Final[LiteralString] = """
    SELECT audit_id, at, actor, action, subject, request_id, host(address) AS address, detail
      FROM platform_audit
     WHERE ($1::bigint IS NULL OR audit_id < $1)
       AND ($2 = '' OR subject = $2) AND ($3 = '' OR actor = $3) AND ($4 = '' OR action = $4)
       AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
     ORDER BY audit_id DESC LIMIT $7
"""


async def listed(
    tx: TenantTx | PlatformTx, asked: Asked, before: int | None, limit: int
) -> list[Act]:
    """Return what was done, the newest first, from before a number."""
    sql = LISTED if isinstance(tx, TenantTx) else PLATFORM_LISTED
    rows = await tx.conn.fetch(
        sql, before, asked.subject, asked.actor, asked.action, asked.since, asked.until, limit
    )
    return [_act(row) for row in rows]


PIECE: Final[LiteralString] = """
    SELECT audit_id, at, actor, action, subject, request_id, host(address) AS address, detail
      FROM audit
     WHERE tenant_id = current_tenant() AND audit_id > $1 AND audit_id <= $2
       AND ($3 = '' OR subject = $3) AND ($4 = '' OR actor = $4) AND ($5 = '' OR action = $5)
       AND ($6::timestamptz IS NULL OR at >= $6) AND ($7::timestamptz IS NULL OR at < $7)
     ORDER BY audit_id LIMIT $8
"""
NEWEST: Final[LiteralString] = """
    SELECT coalesce(max(audit_id), 0) FROM audit WHERE tenant_id = current_tenant()
"""


async def newest(tx: TenantTx) -> int:
    """Return the number of the newest row."""
    number: int = await tx.conn.fetchval(NEWEST)
    return number


async def piece(tx: TenantTx, asked: Asked, after: int, last: int, limit: int) -> list[Act]:
    """Return rows after a number, the oldest first, up to a last one."""
    rows = await tx.conn.fetch(
        PIECE, after, last, asked.subject, asked.actor, asked.action, asked.since, asked.until,
        limit,
    )  # fmt: skip
    return [_act(row) for row in rows]


def _act(row: Row) -> Act:
    return Act(
        row["audit_id"], row["at"], row["actor"], row["action"], row["subject"],
        row["request_id"], row["address"], row["detail"],
    )  # fmt: skip
