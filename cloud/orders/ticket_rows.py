"""The tickets of an order, in PostgreSQL: held, let go, bought, given back."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.orders.model import Item
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import name_move

LOCK: Final[LiteralString] = """
    SELECT FROM ticket WHERE tenant_id = current_tenant() AND order_id = ANY ($1)
     ORDER BY ticket_id FOR NO KEY UPDATE
"""


async def lock(tx: TenantTx, orders: Sequence[UUID]) -> None:
    """Lock what some orders hold or have bought, before anything becomes of the first of them."""
    await tx.conn.execute(LOCK, list(orders))


# Each locks what it changes in the order of the tickets' ids, as cloud/tickets/moves.py says.
RELEASE: Final[LiteralString] = """
    WITH held AS MATERIALIZED (
        SELECT ticket_id FROM ticket
         WHERE tenant_id = current_tenant() AND event_id = $1 AND order_id = $2
           AND state = 'reserved'
         ORDER BY ticket_id FOR NO KEY UPDATE)
    UPDATE ticket t SET state = 'created', order_id = NULL, changed_at = $3 FROM held
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = held.ticket_id
"""


async def release(tx: TenantTx, event_id: UUID, order_id: UUID, reason: str) -> None:
    """Let the tickets go that an order holds."""
    await name_move(tx, Move.RELEASE, reason)
    await tx.conn.execute(RELEASE, event_id, order_id, tx.now)


BUY: Final[LiteralString] = """
    WITH due AS MATERIALIZED (
        SELECT ticket_id FROM ticket
         WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY ($5)
           AND (free OR state = 'reserved' AND order_id = $2)
         ORDER BY ticket_id FOR NO KEY UPDATE)
    UPDATE ticket t SET state = 'purchased', account_id = $3, order_id = $2, changed_at = $4
      FROM due
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = due.ticket_id
    RETURNING t.ticket_id
"""


async def buy(
    tx: TenantTx, event_id: UUID, order_id: UUID, account: UUID, tickets: Sequence[UUID]
) -> int:
    """Give the tickets to their buyer; return how many there were to give."""
    await name_move(tx, Move.PAY)
    return len(await tx.conn.fetch(BUY, event_id, order_id, account, tx.now, list(tickets)))


TAKE: Final[LiteralString] = "SELECT take_free($1, $2, $3, $4)"
SEATS: Final[LiteralString] = """
    SELECT ticket_id, seat FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY ($2)
"""
SWAP: Final[LiteralString] = """
    UPDATE purchase_item i SET ticket_id = s.ticket_id
      FROM unnest($2::integer[], $3::uuid[]) AS s (line, ticket_id)
     WHERE i.tenant_id = current_tenant() AND i.order_id = $1 AND i.line = s.line
"""


async def take_again(
    tx: TenantTx, event_id: UUID, order_id: UUID, items: Sequence[Item]
) -> list[UUID] | None:
    """Lock free tickets as an order had them: the same seats, or as many of the same class.

    They become the order's items; None: they are not all free, and nothing is changed.
    """
    lines: list[int] = []
    tickets: list[UUID] = []
    for class_index, count in sorted(Counter(item.class_index for item in items).items()):
        of_class = [item for item in items if item.class_index == class_index]
        seats = [item.seat for item in of_class if item.seat is not None]
        seated = len(seats) == count
        free = await tx.conn.fetchval(TAKE, event_id, class_index, count, seats if seated else None)
        if len(free) < count:
            return None
        lines += [item.line for item in of_class]
        tickets += await _in_order(tx, event_id, of_class, free) if seated else free
    await tx.conn.execute(SWAP, order_id, lines, tickets)
    return tickets


async def _in_order(
    tx: TenantTx, event_id: UUID, items: Sequence[Item], free: list[UUID]
) -> list[UUID]:
    rows = await tx.conn.fetch(SEATS, event_id, free)
    by_seat: dict[str, UUID] = {row["seat"]: row["ticket_id"] for row in rows}
    return [by_seat[item.seat or ""] for item in items]


MARK: Final[LiteralString] = """
    UPDATE purchase_item SET refunded = true
     WHERE tenant_id = current_tenant() AND order_id = $1 AND ticket_id = ANY ($2)
       AND NOT refunded
"""
GIVEN_BACK: Final[LiteralString] = """
    UPDATE purchase SET refunded = refunded + $2
     WHERE tenant_id = current_tenant() AND order_id = $1
"""


async def give_back(tx: TenantTx, order_id: UUID, tickets: Sequence[UUID], amount: int) -> None:
    """Mark tickets of an order as given back, for `amount`."""
    await tx.conn.execute(MARK, order_id, list(tickets))
    await tx.conn.execute(GIVEN_BACK, order_id, amount)
