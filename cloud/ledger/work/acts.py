"""What people decide about the ledger: each a statement or two, in the caller's transaction."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.ledger.work.asset_rows import DUE_EVENT, WAKE

PAUSE: Final[LiteralString] = """
    INSERT INTO asset_event (event_id, paused) VALUES ($1, $2)
        ON CONFLICT (tenant_id, event_id) DO UPDATE SET paused = excluded.paused
"""
FREEZE: Final[LiteralString] = """
    INSERT INTO asset_event (event_id, freezes) VALUES ($1, $2)
        ON CONFLICT (tenant_id, event_id) DO UPDATE SET freezes = excluded.freezes
"""
USED: Final[LiteralString] = """
    UPDATE asset a SET wish = wish + 1, due_at = $2, wished_at = coalesce(a.due_at, $2)
      FROM ticket t
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1 AND t.tenant_id = a.tenant_id
       AND t.event_id = a.event_id AND t.ticket_id = a.ticket_id
       AND (t.state = 'used' OR a.frozen)
"""
TRY: Final[LiteralString] = """
    UPDATE asset SET held = '', attempts = 0, due_at = $2
     WHERE tenant_id = current_tenant() AND event_id = $1 AND held = 'failed'
"""
LOOK_AGAIN: Final[LiteralString] = """
    UPDATE ledger_job SET state = 'signed', due_at = $2
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state = 'review'
"""
APPROVE: Final[LiteralString] = """
    UPDATE asset_tree SET state = 'approved'
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state = 'planned'
"""
SETTLE: Final[LiteralString] = """
    UPDATE asset_review SET settled_at = $3, settled_by = current_actor(), decision = $4
     WHERE tenant_id = current_tenant() AND event_id = $1 AND asset_id = $2
       AND settled_at IS NULL
"""
LET_GO: Final[LiteralString] = """
    UPDATE asset a SET held = CASE WHEN $4 = 'restore' OR EXISTS (
                                SELECT FROM ticket t WHERE t.tenant_id = a.tenant_id
                                   AND t.event_id = a.event_id AND t.ticket_id = a.ticket_id
                                   AND t.state IN ('refunded', 'revoked'))
                              THEN '' ELSE 'left' END,
           wish = wish + 1, attempts = 0, due_at = $3
     WHERE tenant_id = current_tenant() AND event_id = $1 AND asset_id = $2 AND held = 'review'
"""
OWN: Final[LiteralString] = """
    UPDATE asset a SET wish = wish + 1, due_at = $2, wished_at = coalesce(a.due_at, $2)
      FROM ticket t
     WHERE a.tenant_id = current_tenant() AND t.tenant_id = a.tenant_id
       AND t.event_id = a.event_id AND t.ticket_id = a.ticket_id AND t.account_id = $1
    RETURNING a.event_id
"""


async def pause(tx: TenantTx, event_id: UUID, *, paused: bool) -> None:
    """Stop what is signed and sent for an event, or let it go on."""
    await tx.conn.execute(PAUSE, event_id, paused)
    await wake(tx, event_id)


async def freeze(tx: TenantTx, event_id: UUID, *, freezes: bool) -> None:
    """Say whether the used tickets of an event are frozen, and have them looked at."""
    await tx.conn.execute(FREEZE, event_id, freezes)
    await tx.conn.execute(USED, event_id, tx.now)
    await wake(tx, event_id)


async def retry(tx: TenantTx, event_id: UUID) -> int:
    """Try again what was given up, and look again for what was lost; return how many that are."""
    tags = [await tx.conn.execute(each, event_id, tx.now) for each in (TRY, LOOK_AGAIN)]
    await wake(tx, event_id)
    return sum(_count(tag) for tag in tags)


async def approve(tx: TenantTx, event_id: UUID) -> int:
    """Let the planned trees of an event be paid for; return how many."""
    count = _count(await tx.conn.execute(APPROVE, event_id))
    await wake(tx, event_id)
    return count


async def settle(tx: TenantTx, event_id: UUID, asset: bytes, decision: str) -> bool:
    """Decide on what others did to an asset: undo it ("restore"), or let it be ("leave")."""
    tag = await tx.conn.execute(SETTLE, event_id, asset, tx.now, decision)
    await tx.conn.execute(LET_GO, event_id, asset, tx.now, decision)
    await wake(tx, event_id)
    return _count(tag) > 0


async def own(tx: TenantTx, account: UUID) -> None:
    """Have the tickets of an account looked at, whose address is another now."""
    for event_id in sorted({row["event_id"] for row in await tx.conn.fetch(OWN, account, tx.now)}):
        await wake(tx, event_id)


async def wake(tx: TenantTx, event_id: UUID) -> None:
    """Have the worker look at an event."""
    await tx.conn.execute(DUE_EVENT, event_id, tx.now)
    await tx.conn.execute(WAKE)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
