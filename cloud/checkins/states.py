"""Tickets' states follow the check-ins: used while an entry stands, and active again else.

Derived from what the records mean together, never from the order in which they came.
"""

from collections.abc import Iterable, Mapping
from typing import Final, LiteralString
from uuid import UUID

from cloud.checkins.tickets import Ticket
from cloud.db.tenancy import TenantTx
from cloud.tickets.lifecycle import Move, State, sources, target

# As cloud/tickets/moves.py, in one round trip: the settings are there before the trigger runs.
MOVE: Final[LiteralString] = """
    WITH named AS MATERIALIZED (
        SELECT set_config('app.move', $3, true) AS move, set_config('app.reason', '', true))
    UPDATE ticket t SET state = $4, changed_at = now() FROM named
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = ANY($2)
       AND named.move = $3
"""


def due(tickets: Iterable[Ticket], stands: Mapping[bytes, bool]) -> dict[Move, list[UUID]]:
    """Return which tickets have to move. `stands`: by hash, whether an entry does."""
    moves: dict[Move, list[UUID]] = {}
    usable = sources(Move.USE)
    for ticket in tickets:
        used = stands.get(ticket.hash)
        if used and ticket.state in usable:
            moves.setdefault(Move.USE, []).append(ticket.ticket_id)
        elif used is False and ticket.state is State.USED:
            moves.setdefault(Move.UNDO, []).append(ticket.ticket_id)
    return moves


async def follow(
    tx: TenantTx, event_id: UUID, tickets: Iterable[Ticket], stands: Mapping[bytes, bool]
) -> None:
    """Move the tickets, which are locked, to where their records say that they are."""
    for by, ids in due(tickets, stands).items():
        await tx.conn.execute(MOVE, event_id, ids, by.value, target(by).state.value)
