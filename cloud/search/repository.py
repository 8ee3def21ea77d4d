"""Search lists in PostgreSQL, and the journal of what changed since the last one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.search.making import Part
from cloud.search.model import PAGE, Due, Ticket, of_row

DUE: Final[LiteralString] = "SELECT tenant_id, event_id FROM search_lists_due($1)"
OVER: Final[LiteralString] = "SELECT tenant_id, event_id FROM search_lists_over($1)"


async def due(conn: Connection, now: datetime) -> list[Due]:
    """Return the events whose list is to be published, of all tenants."""
    return [Due(row["tenant_id"], row["event_id"]) for row in await conn.fetch(DUE, now)]


async def over(conn: Connection, now: datetime) -> list[Due]:
    """Return the events whose list is to be dropped, of all tenants."""
    return [Due(row["tenant_id"], row["event_id"]) for row in await conn.fetch(OVER, now)]


BADGES: Final[LiteralString] = """
    SELECT public FROM badge
     WHERE tenant_id = current_tenant() AND role = 'supervisor' AND revoked_at IS NULL
     ORDER BY public
"""


async def badges(tx: TenantTx) -> list[bytes]:
    """Return the keys that a list is sealed to; search_lists_due() asks the same."""
    return [row["public"] for row in await tx.conn.fetch(BADGES)]


BEGIN: Final[LiteralString] = """
    INSERT INTO search_list (event_id) VALUES ($1) ON CONFLICT DO NOTHING
"""
LOCK: Final[LiteralString] = """
    SELECT s.version, s.badges, s.series, s.key, s.began_at, s.base, s.parts, s.raw,
           s.signer, e.ref
      FROM search_list s JOIN event e USING (tenant_id, event_id)
     WHERE s.tenant_id = current_tenant() AND s.event_id = $1 FOR UPDATE OF s SKIP LOCKED
"""


class Held(NamedTuple):
    """An event's list. `version` 0: there was none yet; no series: there is none now."""

    version: int
    badges: list[bytes]
    series: bytes | None
    key: bytes | None  # sealed
    began_at: datetime | None
    base: int
    parts: int
    raw: bytes | None
    signer: bytes | None
    ref: bytes


async def locked(tx: TenantTx, event_id: UUID) -> Held | None:
    """Return an event's list for this transaction alone to publish; None where another does."""
    await tx.conn.execute(BEGIN, event_id)
    row = await tx.conn.fetchrow(LOCK, event_id)
    return None if row is None else Held(**{name: row[name] for name in Held._fields})


TAKE: Final[LiteralString] = """
    DELETE FROM search_change WHERE tenant_id = current_tenant() AND event_id = $1
 RETURNING ticket_id
"""


async def take_changes(tx: TenantTx, event_id: UUID) -> set[UUID]:
    """Take the journal's rows. Read the tickets after: what commits later stays in the journal."""
    return {row["ticket_id"] for row in await tx.conn.fetch(TAKE, event_id)}


SOME: Final[LiteralString] = """
    SELECT hash, list_status IS NOT NULL AS listed, attendee, seat, order_id,
           class_index
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY ($2)
     ORDER BY number
"""
NEXT: Final[LiteralString] = """
    SELECT hash, list_status IS NOT NULL AS listed, attendee, seat, order_id,
           class_index, number
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND number > $2
       AND state NOT IN ('created', 'reserved', 'purchased', 'minted')
     ORDER BY number LIMIT $3
"""


async def tickets(tx: TenantTx, event_id: UUID, ids: Collection[UUID]) -> list[Ticket]:
    """Return some tickets."""
    return [of_row(row) for row in await tx.conn.fetch(SOME, event_id, list(ids))]


async def page(tx: TenantTx, event_id: UUID, after: int) -> tuple[list[Ticket], int | None]:
    """Return the next tickets, and after which number to go on."""
    rows = await tx.conn.fetch(NEXT, event_id, after, PAGE)
    return [of_row(row) for row in rows], rows[-1]["number"] if len(rows) == PAGE else None


SIZES: Final[LiteralString] = """
    SELECT words FROM search_part
     WHERE tenant_id = current_tenant() AND event_id = $1 AND series = $2 ORDER BY place
"""
SEALED: Final[LiteralString] = """
    SELECT place, sealed FROM search_part
     WHERE tenant_id = current_tenant() AND event_id = $1 AND series = $2 AND place >= $3
     ORDER BY place
"""


async def sizes(tx: TenantTx, event_id: UUID, series: bytes) -> list[int]:
    """Return of how many tickets each part speaks."""
    return [row["words"] for row in await tx.conn.fetch(SIZES, event_id, series)]


async def parts_from(tx: TenantTx, event_id: UUID, series: bytes, first: int) -> list[bytes]:
    """Return the parts from a place on."""
    return [row["sealed"] for row in await tx.conn.fetch(SEALED, event_id, series, first)]


ADD: Final[LiteralString] = """
    INSERT INTO search_part (event_id, series, place, words, digest, sealed)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
CUT: Final[LiteralString] = """
    DELETE FROM search_part
     WHERE tenant_id = current_tenant() AND event_id = $1 AND (series <> $2 OR place >= $3)
"""


async def add_parts(tx: TenantTx, event_id: UUID, series: bytes, parts: Sequence[Part]) -> None:
    """Store parts at places where none is."""
    await tx.conn.executemany(ADD, [(event_id, series, *part) for part in parts])


async def cut(tx: TenantTx, event_id: UUID, series: bytes, first: int) -> None:
    """Drop the parts from a place on, and those of every other series."""
    await tx.conn.execute(CUT, event_id, series, first)


PUT: Final[LiteralString] = """
    UPDATE search_list SET version = $2, badges = $3, series = $4, key = $5, began_at = $6,
           base = $7, parts = $8, raw = $9, signer = $10
     WHERE tenant_id = current_tenant() AND event_id = $1
"""
DROP_PARTS: Final[LiteralString] = """
    DELETE FROM search_part WHERE tenant_id = current_tenant() AND event_id = $1
"""
DROP: Final[LiteralString] = """
    UPDATE search_list SET badges = '{}', series = NULL, key = NULL, began_at = NULL, base = 0,
           parts = 0, raw = NULL, signer = NULL
     WHERE tenant_id = current_tenant() AND event_id = $1
"""


async def put(tx: TenantTx, event_id: UUID, held: Held) -> None:
    """Store what a list is now. Tell whoever follows."""
    *said, _ = held
    await tx.conn.execute(PUT, event_id, *said)
    await tx.tell_devices()


async def drop(tx: TenantTx, event_id: UUID) -> None:
    """Forget a list but for its version."""
    await take_changes(tx, event_id)
    await tx.conn.execute(DROP_PARTS, event_id)
    await tx.conn.execute(DROP, event_id)
    await tx.tell_devices()


FIND: Final[LiteralString] = """
    SELECT s.event_id, s.version, s.raw, s.series
      FROM event e JOIN search_list s USING (tenant_id, event_id)
     WHERE e.tenant_id = current_tenant() AND e.ref = $1 AND s.raw IS NOT NULL
"""
WANTED: Final[LiteralString] = """
    SELECT place, sealed FROM search_part
     WHERE tenant_id = current_tenant() AND event_id = $1 AND series = $2 AND place = ANY ($3)
"""


class Published(NamedTuple):
    """The newest head of an event's list."""

    event_id: UUID
    version: int
    raw: bytes
    series: bytes


async def find(tx: TenantTx, ref: bytes) -> Published | None:
    """Return the newest list of the event with a reference."""
    row = await tx.conn.fetchrow(FIND, ref)
    return None if row is None else Published(**{name: row[name] for name in Published._fields})


async def wanted(tx: TenantTx, of: Published, places: Sequence[int]) -> dict[int, bytes]:
    """Return those of the parts that there are."""
    rows = await tx.conn.fetch(WANTED, of.event_id, of.series, list(places))
    return {row["place"]: row["sealed"] for row in rows}
