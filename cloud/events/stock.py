"""The tickets that an event has to sell: rows in state `created`, made and withdrawn here.

Numbers are dense over the event: raising `next_number` locks the event's row, so two who make
tickets at once wait for each other.
"""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import move_all, name_move
from shared.manifest.chunk import MAX_TICKETS

BATCH: Final = 100_000  # tickets a statement, which takes seconds: far from its time limit
NUMBERS: Final[LiteralString] = """
    UPDATE event SET next_number = next_number + $2
     WHERE event_id = $1 AND next_number + $2::int <= $3 RETURNING next_number - $2
"""
ADD: Final[LiteralString] = """
    INSERT INTO ticket (event_id, class_index, number, state)
    SELECT $1, $2, number, 'created'
      FROM generate_series($3::int, $3::int + $4::int - 1) AS number
"""
ADD_SEATS: Final[LiteralString] = """
    INSERT INTO ticket (event_id, class_index, number, state, seat)
    SELECT $1, $2, $3::int + place::int - 1, 'created', seat
      FROM unnest($4::text[]) WITH ORDINALITY AS given (seat, place)
"""
LISTED: Final[LiteralString] = """
    SELECT label FROM class_seat
     WHERE event_id = $1 AND class_index = $2 AND withdrawn_at IS NULL ORDER BY place, label
"""
# What somebody is just taking is not waited for: it is as good as sold.
FREE: Final[LiteralString] = """
    SELECT ticket_id FROM ticket
     WHERE event_id = $1 AND class_index = $2 AND free
     ORDER BY number DESC LIMIT $3 FOR UPDATE SKIP LOCKED
"""
FREE_SEATS: Final[LiteralString] = """
    SELECT ticket_id FROM ticket
     WHERE event_id = $1 AND class_index = $2 AND free AND seat = ANY($3)
     FOR UPDATE SKIP LOCKED
"""


async def take_numbers(tx: TenantTx, event_id: UUID, count: int) -> int:
    """Return the first of `count` new ticket numbers of an event."""
    first: int | None = await tx.conn.fetchval(NUMBERS, event_id, count, MAX_TICKETS)
    if first is None:
        raise Refusal("too_many_tickets", accepted=f"{MAX_TICKETS} tickets in an event")
    return first


async def add(
    tx: TenantTx, event_id: UUID, class_index: int, count: int, *, batch: int = BATCH
) -> None:
    """Make free tickets of a class without seats."""
    if count:
        first = await take_numbers(tx, event_id, count)
        await name_move(tx, Move.CREATE)
        for done in range(0, count, batch):
            some = min(batch, count - done)
            await tx.conn.execute(ADD, event_id, class_index, first + done, some)


async def add_seats(tx: TenantTx, event_id: UUID, class_index: int, seats: Sequence[str]) -> None:
    """Make a free ticket for each of `seats`."""
    if seats:
        first = await take_numbers(tx, event_id, len(seats))
        await name_move(tx, Move.CREATE)
        await tx.conn.execute(ADD_SEATS, event_id, class_index, first, list(seats))


async def add_listed(tx: TenantTx, event_id: UUID, class_index: int) -> None:
    """Make a free ticket for each seat on a class's list."""
    rows = await tx.conn.fetch(LISTED, event_id, class_index)
    await add_seats(tx, event_id, class_index, [row["label"] for row in rows])


async def withdraw(
    tx: TenantTx, event_id: UUID, class_index: int, count: int, *, batch: int = BATCH
) -> None:
    """Take free tickets away, or refuse if there are not so many."""
    for done in range(0, count, batch):
        some = min(batch, count - done)
        rows = await tx.conn.fetch(FREE, event_id, class_index, some)
        if len(rows) < some:
            raise Refusal("capacity_taken", field="/capacity", free=done + len(rows))
        await move_all(tx, event_id, [row["ticket_id"] for row in rows], Move.WITHDRAW)


async def withdraw_seats(
    tx: TenantTx, event_id: UUID, class_index: int, seats: Sequence[str]
) -> None:
    """Take the free tickets of `seats` away, or refuse if one is held or sold."""
    rows = await tx.conn.fetch(FREE_SEATS, event_id, class_index, list(seats))
    if len(rows) < len(seats):
        raise Refusal("capacity_taken", field="/seats", free=len(rows))
    await move_all(tx, event_id, [row["ticket_id"] for row in rows], Move.WITHDRAW)
