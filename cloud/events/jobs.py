"""What the worker does with events that are over.

An event ends when its time is over. A week later its tickets expire: until then gates that were
cut off may still bring what they recorded.
"""

from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.events import repository
from cloud.events.acts import tell
from cloud.tickets.lifecycle import Move, sources
from cloud.tickets.moves import lock, move

EXPIRY_GRACE: Final = timedelta(days=7)  # also in tenants_with_ended_events()
BATCH: Final = 5000  # tickets in a transaction

OVER: Final[LiteralString] = "SELECT tenants_with_ended_events($1) AS tenant_id"
SOME: Final[LiteralString] = """
    SELECT ticket_id FROM ticket WHERE event_id = $1 AND state = ANY($2) LIMIT $3
"""


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with events that are over."""
    return [row["tenant_id"] for row in await conn.fetch(OVER, now)]


async def sweep_ended(tx: TenantTx, batch: int = BATCH) -> int:
    """End what is over, and expire one batch of tickets; return how much there was to do.

    Call it again, in a new transaction, until it returns 0.
    """
    ended = await repository.end_those_over(tx)
    for event_id in ended:
        await tx.audit("event.ended", f"event:{event_id}")
        await tell(tx, await repository.event_row(tx, event_id), "event.ended")
    return len(ended) + await _expire(tx, batch)


async def _expire(tx: TenantTx, batch: int) -> int:
    event_id = await repository.next_to_expire(tx, tx.now - EXPIRY_GRACE)
    if event_id is None:
        return 0
    states = [state.value for state in sources(Move.EXPIRE)]
    rows = await tx.conn.fetch(SOME, event_id, states, batch)
    tickets = [row["ticket_id"] for row in rows]
    await lock(tx, event_id, tickets)
    await move(tx, event_id, tickets, Move.EXPIRE)
    if len(rows) < batch:
        await repository.expired(tx, event_id)
        await tx.audit("event.expired", f"event:{event_id}")
    return max(1, len(rows))
