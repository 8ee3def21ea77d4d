"""Tickets read from PostgreSQL. Row-level security adds the tenant to every query."""

from datetime import datetime
from typing import Annotated, Final, LiteralString, NamedTuple
from uuid import UUID

from msgspec import Meta

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.tickets.lifecycle import Move, State
from cloud.tickets.model import Moved, OwnTicket, Ticket, code_state

Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]

READ: Final[LiteralString] = """
    SELECT ticket_id, event_id, number, class_index, state, gen, own_gen, blocked, seat, attendee,
           email, account_id, order_id, holder, token IS NOT NULL AS signed, changed_at
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
"""


async def read(
    tx: TenantTx, event_id: UUID, ticket_id: UUID, reader: UUID | None = None
) -> Ticket | None:
    """Return a ticket, as `reader` sees it if it is his; None: as the organizer sees it."""
    row = await tx.conn.fetchrow(READ, event_id, ticket_id)
    return None if row is None else ticket(row, reader)


class OwnPlace(NamedTuple):
    """Of a ticket in its owner's list."""

    starts_at: Annotated[datetime, Meta(tz=True)]
    event_id: UUID
    number: Number


OWN: Final[LiteralString] = """
    SELECT t.ticket_id, t.event_id, t.number, t.class_index, t.state, t.gen, t.own_gen, t.blocked,
           t.seat, t.attendee, t.email, t.account_id, t.order_id, t.holder,
           t.token IS NOT NULL AS signed, t.changed_at,
           e.name AS event_name, e.starts_at, e.timezone, c.name AS class_name
      FROM ticket t
      JOIN event e ON e.tenant_id = t.tenant_id AND e.event_id = t.event_id
      JOIN ticket_class c ON c.tenant_id = t.tenant_id AND c.event_id = t.event_id
                         AND c.class_index = t.class_index
     WHERE t.tenant_id = current_tenant() AND t.account_id = $1
       AND ($2::timestamptz IS NULL OR e.starts_at < $2
            OR (e.starts_at = $2 AND (t.event_id, t.number) > ($3::uuid, $4::int)))
     ORDER BY e.starts_at DESC, t.event_id, t.number LIMIT $5
"""


async def own(tx: TenantTx, account: UUID, after: OwnPlace | None, limit: int) -> list[OwnTicket]:
    """Return an account's tickets, the latest event first."""
    place = after or (None, None, None)
    rows = await tx.conn.fetch(OWN, account, *place, limit)
    return [
        OwnTicket(
            ticket(row, account),
            row["event_name"],
            row["starts_at"],
            row["timezone"],
            row["class_name"],
        )
        for row in rows
    ]


class TicketPlace(NamedTuple):
    """Of a ticket in an event's list."""

    number: Number


class MovePlace(NamedTuple):
    """Of a move in a ticket's history."""

    number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Filter(NamedTuple):
    """Which of an event's tickets are wanted; None or empty: all that somebody has."""

    state: State | None = None
    class_index: int | None = None
    text: str = ""


# By itself a list leaves out what nobody has yet: it is most of a sale's first day.
# One that was taken off sale was nobody's: a guest list takes as many as it has guests.
OF_EVENT: Final[LiteralString] = """
    SELECT ticket_id, event_id, number, class_index, state, gen, own_gen, blocked, seat, attendee,
           email, account_id, order_id, holder, token IS NOT NULL AS signed, changed_at
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND number > $2
       AND CASE WHEN $3::text IS NULL
                THEN state <> 'created' AND NOT (state = 'revoked' AND token IS NULL
                     AND order_id IS NULL AND attendee IS NULL AND email IS NULL)
                ELSE state = $3 END
       AND ($4::int IS NULL OR class_index = $4)
       AND ($5::text IS NULL OR attendee ILIKE $5 OR seat ILIKE $5 OR email ILIKE $5
            OR order_id::text LIKE $6::text)
     ORDER BY number LIMIT $7
"""


async def of_event(
    tx: TenantTx, event_id: UUID, of: Filter, after: TicketPlace | None, limit: int
) -> list[Ticket]:
    """Return an event's tickets by their numbers."""
    start = -1 if after is None else after.number
    state = None if of.state is None else of.state.value
    text = _plain(of.text.strip())
    anywhere, order = (f"%{text}%", f"{text.lower()}%") if text else (None, None)
    rows = await tx.conn.fetch(
        OF_EVENT, event_id, start, state, of.class_index, anywhere, order, limit
    )
    return [ticket(row) for row in rows]


EVENT: Final[LiteralString] = """
    SELECT true FROM event WHERE tenant_id = current_tenant() AND event_id = $1
"""


async def event_exists(tx: TenantTx, event_id: UUID) -> bool:
    """Whether the tenant has such an event."""
    return bool(await tx.conn.fetchval(EVENT, event_id))


MOVES: Final[LiteralString] = """
    SELECT move_id, at, move, from_state, to_state, gen, actor, reason FROM ticket_move
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2 AND move_id > $3
     ORDER BY move_id LIMIT $4
"""


async def moves(
    tx: TenantTx, event_id: UUID, ticket_id: UUID, after: MovePlace | None, limit: int
) -> list[Moved]:
    """Return a ticket's history, the oldest move first."""
    rows = await tx.conn.fetch(MOVES, event_id, ticket_id, after.number if after else 0, limit)
    return [
        Moved(
            row["move_id"], row["at"], Move(row["move"]), State(row["from_state"]),
            State(row["to_state"]), row["gen"], row["actor"], row["reason"],
        )
        for row in rows
    ]  # fmt: skip


def ticket(row: Row, reader: UUID | None = None) -> Ticket:
    """Return a row as it is shown. Of a ticket that was handed over, its owner isn't told by which
    order somebody else bought it."""
    state, holder = State(row["state"]), row["holder"]
    given = row["own_gen"] > 0 and row["account_id"] == reader
    return Ticket(
        row["ticket_id"], row["event_id"], row["number"], row["class_index"], state, row["gen"],
        row["blocked"], row["seat"], row["attendee"], row["email"], row["account_id"],
        None if given else row["order_id"], holder.hex() if holder else None,
        code_state(state, signed=row["signed"]), row["changed_at"],
    )  # fmt: skip


def _plain(text: str) -> str:
    """Return a text as a pattern that only it fits."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return text
