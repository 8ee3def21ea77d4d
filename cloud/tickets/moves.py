"""Moves of tickets in the database. A trigger writes each into the ticket's history, and
refuses what the table of legal moves lacks (migrations/0004_tickets.sql).

Whoever changes several tickets that somebody else may change too locks them first, in the order
of their ids: nobody who waits for one then keeps another from those who lock in that order.
"""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.tickets.lifecycle import Move, sources, target

NAME: Final[LiteralString] = """
    SELECT set_config('app.move', $1, true), set_config('app.reason', $2, true)
"""
MOVE: Final[LiteralString] = """
    UPDATE ticket SET state = $3, gen = gen + $4, changed_at = now()
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY($2)
       AND state = ANY($5)
    RETURNING ticket_id
"""


LOCK: Final[LiteralString] = """
    SELECT FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY($2)
     ORDER BY ticket_id FOR NO KEY UPDATE
"""


async def lock(tx: TenantTx, event_id: UUID, tickets: Sequence[UUID]) -> None:
    """Let nobody else change these tickets until this transaction ends."""
    await tx.conn.execute(LOCK, event_id, list(tickets))


async def name_move(tx: TenantTx, move: Move, reason: str = "") -> None:
    """Say which move the next statements on `ticket` are, for those that need SQL of their own."""
    await tx.conn.execute(NAME, move.value, reason)


async def move(
    tx: TenantTx, event_id: UUID, tickets: Sequence[UUID], by: Move, *, reason: str = ""
) -> list[UUID]:
    """Move those of `tickets` that may make the move; return which did.

    What else changes with the state (owner, order, token) is the caller's: before, where the
    table's constraints need it there, or after.
    """
    step = target(by)
    await name_move(tx, by, reason)
    states = [state.value for state in sources(by)]
    rows = await tx.conn.fetch(MOVE, event_id, list(tickets), step.state.value, step.gen, states)
    return [row["ticket_id"] for row in rows]


async def move_all(
    tx: TenantTx, event_id: UUID, tickets: Sequence[UUID], by: Move, *, reason: str = ""
) -> None:
    """Move all of `tickets`, or refuse with `illegal_move`."""
    if len(await move(tx, event_id, tickets, by, reason=reason)) != len(set(tickets)):
        raise Refusal("illegal_move")
