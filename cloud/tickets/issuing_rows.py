"""Tickets given rather than sold, in PostgreSQL: many in one statement."""

from collections.abc import Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.keys.repository import lock as lock_keys
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import move_all, name_move
from shared.manifest.chunk import MAX_TICKETS

TO_A_GUEST: Final = "given to a guest"  # why a ticket is no longer on sale


class ClassFacts(NamedTuple):
    """What issuing needs to know of a ticket class."""

    class_index: int
    name: str
    live: bool
    seated: bool


class Given(NamedTuple):
    """A ticket to be issued."""

    ticket_id: UUID
    class_index: int
    attendee: str | None
    email: str | None
    seat: str | None
    token: bytes | None


CLASSES: Final[LiteralString] = """
    SELECT class_index, name, live, seated FROM ticket_class
     WHERE tenant_id = current_tenant() AND event_id = $1 ORDER BY class_index
"""


async def classes(tx: TenantTx, event_id: UUID) -> dict[int, ClassFacts]:
    """Return an event's classes by their indexes."""
    rows = await tx.conn.fetch(CLASSES, event_id)
    found = (
        ClassFacts(row["class_index"], row["name"], row["live"], row["seated"]) for row in rows
    )
    return {each.class_index: each for each in found}


STATE: Final[LiteralString] = """
    SELECT state FROM event WHERE tenant_id = current_tenant() AND event_id = $1
"""


async def exists(tx: TenantTx, event_id: UUID) -> bool:
    """Whether the tenant has such an event."""
    return await tx.conn.fetchval(STATE, event_id) is not None


async def check_open(tx: TenantTx, event_id: UUID) -> None:
    """Refuse an event for which no ticket is issued."""
    _check(await tx.conn.fetchval(STATE, event_id))


# Its lock makes those who number tickets wait for each other: numbers stay dense.
OPEN: Final[LiteralString] = """
    SELECT state, next_number FROM event
     WHERE tenant_id = current_tenant() AND event_id = $1 FOR NO KEY UPDATE
"""
COUNT: Final[LiteralString] = """
    UPDATE event SET next_number = next_number + $2
     WHERE tenant_id = current_tenant() AND event_id = $1
"""


async def open_event(tx: TenantTx, event_id: UUID, most: int) -> int:
    """Lock an event; return the number of its next ticket, with room for `most` more."""
    row = await tx.conn.fetchrow(OPEN, event_id)
    _check(None if row is None else row["state"])
    first: int = row["next_number"] if row is not None else 0
    if first + most > MAX_TICKETS:
        raise Refusal("too_many_tickets", accepted=f"{MAX_TICKETS} tickets in an event")
    return first


# Who withdraws a key holds this lock alone (cloud/keys/repository.py): either it sees what was
# signed before, or what is signed afterwards sees that the key is withdrawn.
KEEP_KEYS: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock_shared(
               hashtextextended('usher/keys/' || current_tenant()::text, 0))
     WHERE EXISTS (SELECT FROM tenant_key
                    WHERE event_id = $1 AND revoked_at IS NULL
                      AND signs_from <= $2 AND $2 < not_after)
"""


async def keep_keys(tx: TenantTx, event_id: UUID) -> None:
    """Let nobody withdraw a key until this transaction ends. Tickets and events go before it.

    Without a key the lock is taken alone at once, as who makes one does: two that shared it
    first would wait for each other.
    """
    if await tx.conn.fetchrow(KEEP_KEYS, event_id, tx.now) is None:
        await lock_keys(tx)


INSERT: Final[LiteralString] = """
    INSERT INTO ticket (event_id, number, state, ticket_id, class_index, attendee, email, seat,
                        token, kid, changed_at)
    SELECT $1, $2::int + place::int - 1, 'active', ticket_id, class_index, attendee, email, seat,
           token, CASE WHEN token IS NOT NULL THEN $3::bytea END, $4
      FROM unnest($5::uuid[], $6::int[], $7::text[], $8::text[], $9::text[], $10::bytea[])
           WITH ORDINALITY AS g (ticket_id, class_index, attendee, email, seat, token, place)
"""


async def insert(
    tx: TenantTx, event_id: UUID, first: int, kid: bytes, tickets: Sequence[Given]
) -> None:
    """Store signed tickets as valid ones, numbered from `first`. The event is locked."""
    await name_move(tx, Move.ISSUE)
    columns = [list(column) for column in zip(*tickets, strict=True)]
    await tx.conn.execute(INSERT, event_id, first, kid, tx.now, *columns)
    await tx.conn.execute(COUNT, event_id, len(tickets))


SEATS: Final[LiteralString] = """
    SELECT seat, ticket_id, free FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND seat = ANY($2)
       AND NOT gone
     ORDER BY ticket_id FOR UPDATE
"""


async def take_seats(tx: TenantTx, event_id: UUID, seats: Sequence[str]) -> set[str]:
    """Take seats off sale, so that they can be given; return those that somebody has."""
    rows = await tx.conn.fetch(SEATS, event_id, list(seats))
    free = [row["ticket_id"] for row in rows if row["free"]]
    if free:
        await move_all(tx, event_id, free, Move.WITHDRAW, reason=TO_A_GUEST)
    return {row["seat"] for row in rows if not row["free"]}


# Before an event is published its tickets are not there yet.
FREE: Final[LiteralString] = """
    SELECT c.class_index, CASE WHEN e.state = 'draft' THEN c.capacity ELSE (
           SELECT count(*) FROM ticket t
            WHERE t.tenant_id = c.tenant_id AND t.event_id = c.event_id
              AND t.class_index = c.class_index AND t.free) END AS free
      FROM ticket_class c JOIN event e ON e.tenant_id = c.tenant_id AND e.event_id = c.event_id
     WHERE c.tenant_id = current_tenant() AND c.event_id = $1
"""
# What somebody is just taking is not waited for: it is as good as sold.
SOME: Final[LiteralString] = """
    SELECT ticket_id FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND class_index = $2 AND free
     ORDER BY number DESC LIMIT $3 FOR UPDATE SKIP LOCKED
"""


async def free(tx: TenantTx, event_id: UUID) -> dict[int, int]:
    """Return how many tickets of each class nobody has."""
    rows = await tx.conn.fetch(FREE, event_id)
    return {row["class_index"]: row["free"] for row in rows}


async def take_some(tx: TenantTx, event_id: UUID, class_index: int, most: int) -> int:
    """Take up to `most` tickets off sale, so that as many can be given; return how many."""
    rows = await tx.conn.fetch(SOME, event_id, class_index, most)
    if rows:
        taken = [row["ticket_id"] for row in rows]
        await move_all(tx, event_id, taken, Move.WITHDRAW, reason=TO_A_GUEST)
    return len(rows)


LISTED: Final[LiteralString] = """
    SELECT label, class_index FROM class_seat
     WHERE tenant_id = current_tenant() AND event_id = $1 AND label = ANY($2)
"""
TAKEN: Final[LiteralString] = """
    SELECT seat FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND seat = ANY($2)
       AND state NOT IN ('created', 'refunded', 'revoked')
"""


async def seats(tx: TenantTx, event_id: UUID, asked: Sequence[str]) -> dict[str, int]:
    """Return which of these seats an event has, with their classes."""
    rows = await tx.conn.fetch(LISTED, event_id, list(asked))
    return {row["label"]: row["class_index"] for row in rows}


async def taken(tx: TenantTx, event_id: UUID, asked: Sequence[str]) -> set[str]:
    """Return which of these seats somebody has."""
    return {row["seat"] for row in await tx.conn.fetch(TAKEN, event_id, list(asked))}


def _check(state: str | None) -> None:
    if state is None:
        raise Refusal("not_found")
    if state == "draft":
        raise Refusal("event_not_published")
    if state != "published":
        raise Refusal("event_closed")
