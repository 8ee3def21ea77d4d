"""Ticket classes in PostgreSQL. Row-level security adds the tenant to every query."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events.class_model import SHOWN, Counts, NewClass, SeatView, TicketClassRow

READ: Final[LiteralString] = """
    SELECT * FROM ticket_class WHERE event_id = $1 AND ($2::int IS NULL OR class_index = $2)
     ORDER BY class_index
"""


async def class_rows(tx: TenantTx, event_id: UUID) -> list[TicketClassRow]:
    """Return an event's classes."""
    return [_class(row) for row in await tx.conn.fetch(READ, event_id, None)]


async def class_row(
    tx: TenantTx, event_id: UUID, class_index: int, version: int | None = None
) -> TicketClassRow:
    """Return a class, or refuse. `version`: the one that the caller has seen.

    It can't change meanwhile if the caller has locked the event.
    """
    found = _class(await tx.conn.fetchrow(READ, event_id, class_index))
    if version not in (None, found.version):
        raise Refusal("version_stale", field="/version", accepted=str(found.version))
    return found


INSERT: Final[LiteralString] = """
    INSERT INTO ticket_class (
        event_id, class_index, name, price, capacity, seated, per_order, sale_from, sale_until,
        live, transferable, resalable, entry)
    SELECT $1, coalesce(max(class_index) + 1, 0), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
      FROM ticket_class WHERE event_id = $1
    RETURNING *
"""


async def insert(tx: TenantTx, event_id: UUID, new: NewClass) -> TicketClassRow:
    """Store a class under the next index. The caller has locked the event."""
    return _class(
        await tx.conn.fetchrow(
            INSERT,
            event_id,
            new.name,
            new.price,
            new.capacity or len(new.seats),
            bool(new.seats),
            new.per_order,
            new.sale_from,
            new.sale_until,
            new.live,
            new.transferable,
            new.resalable,
            msgspec.to_builtins(new.entry),
        )
    )


UPDATE: Final[LiteralString] = """
    UPDATE ticket_class SET
        name = $3, price = $4, capacity = $5, per_order = $6, sale_from = $7, sale_until = $8,
        live = $9, transferable = $10, resalable = $11, entry = $12, withdrawn_at = $13,
        version = version + 1
     WHERE event_id = $1 AND class_index = $2 RETURNING *
"""


async def update(tx: TenantTx, each: TicketClassRow) -> TicketClassRow:
    """Store a changed class as its next version."""
    return _class(
        await tx.conn.fetchrow(
            UPDATE,
            each.event_id,
            each.class_index,
            each.name,
            each.price,
            each.capacity,
            each.per_order,
            each.sale_from,
            each.sale_until,
            each.live,
            each.transferable,
            each.resalable,
            msgspec.to_builtins(each.entry),
            each.withdrawn_at,
        )
    )


DELETE: Final[LiteralString] = "DELETE FROM ticket_class WHERE event_id = $1 AND class_index = $2"


async def delete(tx: TenantTx, event_id: UUID, class_index: int) -> None:
    """Remove a draft's class, with its seats."""
    await tx.conn.execute(DELETE, event_id, class_index)


COUNTS: Final[LiteralString] = """
    SELECT class_index,
           count(*) FILTER (WHERE free) AS free,
           count(*) FILTER (WHERE state = 'reserved') AS held,
           count(*) FILTER (WHERE state IN ('refunded', 'revoked')) AS gone,
           count(*) AS every
      FROM ticket WHERE event_id = $1 GROUP BY class_index
"""


async def counts(tx: TenantTx, event_id: UUID) -> dict[int, Counts]:
    """Return what became of an event's tickets, by class."""
    found = {}
    for row in await tx.conn.fetch(COUNTS, event_id):
        free, held, gone = row["free"], row["held"], row["gone"]
        sold = row["every"] - free - held - gone
        found[row["class_index"]] = Counts(free, held, sold, gone)
    return found


# At most so many index entries are read for each class, however many tickets there are.
AVAILABLE: Final[LiteralString] = """
    SELECT c.class_index, (
        SELECT count(*) FROM (
            SELECT FROM ticket t
             WHERE t.tenant_id = c.tenant_id AND t.event_id = c.event_id
               AND t.class_index = c.class_index AND t.free LIMIT $2) AS found) AS free
      FROM ticket_class c WHERE c.event_id = $1
"""


async def available(tx: TenantTx, event_id: UUID) -> dict[int, int]:
    """Return how many tickets are free, by class, as far as the public is told."""
    rows = await tx.conn.fetch(AVAILABLE, event_id, SHOWN)
    return {row["class_index"]: row["free"] for row in rows}


SEATS: Final[LiteralString] = """
    SELECT number, seat, free FROM ticket
     WHERE event_id = $1 AND class_index = $2 AND number > $3 AND seat IS NOT NULL
       AND NOT gone
     ORDER BY number LIMIT $4
"""


async def seats(
    tx: TenantTx, event_id: UUID, class_index: int, after: int, limit: int
) -> list[SeatView]:
    """Return the seats of a published class."""
    rows = await tx.conn.fetch(SEATS, event_id, class_index, after, limit)
    return [SeatView(row["number"], row["seat"], row["free"]) for row in rows]


ADD_SEATS: Final[LiteralString] = """
    INSERT INTO class_seat AS s (event_id, class_index, label, place)
    SELECT $1, $2, given.label, given.place + coalesce(
               (SELECT max(place) FROM class_seat WHERE event_id = $1 AND class_index = $2), 0)
      FROM unnest($3::text[]) WITH ORDINALITY AS given (label, place)
    ON CONFLICT (tenant_id, event_id, label) DO UPDATE SET withdrawn_at = NULL
     WHERE s.withdrawn_at IS NOT NULL AND s.class_index = excluded.class_index
    RETURNING label
"""
WITHDRAW_SEATS: Final[LiteralString] = """
    UPDATE class_seat SET withdrawn_at = $4
     WHERE event_id = $1 AND class_index = $2 AND label = ANY($3) AND withdrawn_at IS NULL
    RETURNING label
"""


async def add_seats(tx: TenantTx, event_id: UUID, class_index: int, labels: Sequence[str]) -> None:
    """Write down the seats that a class may sell, or refuse one that is taken."""
    added = await tx.conn.fetch(ADD_SEATS, event_id, class_index, list(labels))
    _all_of(labels, {row["label"] for row in added}, "seat_taken", "seats that no class has")


async def withdraw_seats(
    tx: TenantTx, event_id: UUID, class_index: int, labels: Sequence[str]
) -> None:
    """Take seats off the list, or refuse one that the class has not."""
    gone = await tx.conn.fetch(WITHDRAW_SEATS, event_id, class_index, list(labels), tx.now)
    _all_of(labels, {row["label"] for row in gone}, "seat_unknown", "seats of this class")


def _all_of(wanted: Sequence[str], done: set[str], code: str, accepted: str) -> None:
    for place, label in enumerate(wanted):
        if label not in done:
            raise Refusal(code, field=f"/seats/{place}", accepted=accepted)


def _class(row: Row | None) -> TicketClassRow:
    if row is None:
        raise Refusal("not_found")
    fields = {name: row[name] for name in TicketClassRow.__struct_fields__}
    return msgspec.convert(fields, TicketClassRow)
