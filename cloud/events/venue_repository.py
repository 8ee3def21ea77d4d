"""Venues in PostgreSQL. Row-level security adds the tenant to every query."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events.venue_model import NewVenue, VenueRow
from shared.event import Gate, Zone

READ: Final[LiteralString] = "SELECT * FROM venue WHERE venue_id = $1"
LOCK: Final[LiteralString] = "SELECT * FROM venue WHERE venue_id = $1 FOR NO KEY UPDATE"
# Who plans an event at a venue keeps its layout as it is until the plan is stored.
SHARE: Final[LiteralString] = "SELECT true FROM venue WHERE venue_id = $1 FOR SHARE"


async def venue_row(tx: TenantTx, venue_id: UUID) -> VenueRow:
    """Return a venue, or refuse with `not_found`."""
    return _venue(await tx.conn.fetchrow(READ, venue_id))


async def locked(tx: TenantTx, venue_id: UUID, version: int) -> VenueRow:
    """Return a venue that nobody else changes, as the version that the caller has seen."""
    venue = _venue(await tx.conn.fetchrow(LOCK, venue_id))
    if venue.version != version:
        raise Refusal("version_stale", field="/version", accepted=str(venue.version))
    return venue


async def hold(tx: TenantTx, venue_id: UUID) -> None:
    """Let nobody change the venue until this transaction ends."""
    await tx.conn.execute(SHARE, venue_id)


INSERT: Final[LiteralString] = """
    INSERT INTO venue (name, address, timezone, created_at) VALUES ($1, $2, $3, $4) RETURNING *
"""


async def insert(tx: TenantTx, new: NewVenue) -> VenueRow:
    """Store a venue without its layout."""
    return _venue(await tx.conn.fetchrow(INSERT, new.name, new.address, new.timezone, tx.now))


UPDATE: Final[LiteralString] = """
    UPDATE venue SET name = $2, address = $3, timezone = $4, archived_at = $5,
                     version = version + 1
     WHERE venue_id = $1 RETURNING *
"""


async def update(tx: TenantTx, venue: VenueRow) -> VenueRow:
    """Store a changed venue as its next version."""
    return _venue(
        await tx.conn.fetchrow(
            UPDATE, venue.venue_id, venue.name, venue.address, venue.timezone, venue.archived_at
        )
    )


LIST: Final[LiteralString] = """
    SELECT * FROM venue
     WHERE ($1::text IS NULL OR (name, venue_id) > ($1, $2::uuid))
       AND ($3 OR archived_at IS NULL)
     ORDER BY name, venue_id LIMIT $4
"""


async def list_venues(
    tx: TenantTx, after: tuple[str, UUID] | None, limit: int, *, archived: bool
) -> list[VenueRow]:
    """Return venues by name."""
    name, venue_id = after or (None, None)
    return [_venue(row) for row in await tx.conn.fetch(LIST, name, venue_id, archived, limit)]


ZONES: Final[LiteralString] = """
    SELECT zone_id AS id, name, coalesce(parent, 0) AS parent, capacity FROM zone
     WHERE venue_id = $1 ORDER BY zone_id
"""
GATES: Final[LiteralString] = """
    SELECT gate_id AS id, name, zone_id AS zone, direction FROM gate
     WHERE venue_id = $1 ORDER BY gate_id
"""


async def layout(tx: TenantTx, venue_id: UUID) -> tuple[tuple[Zone, ...], tuple[Gate, ...]]:
    """Return a venue's zones and gates."""
    zones = await tx.conn.fetch(ZONES, venue_id)
    gates = await tx.conn.fetch(GATES, venue_id)
    return tuple(Zone(**row) for row in zones), tuple(Gate(**row) for row in gates)


CLEAR_GATES: Final[LiteralString] = "DELETE FROM gate WHERE venue_id = $1"
CLEAR_ZONES: Final[LiteralString] = "DELETE FROM zone WHERE venue_id = $1"
ADD_ZONES: Final[LiteralString] = """
    INSERT INTO zone (venue_id, zone_id, name, parent, capacity)
    SELECT $1, z.id, z.name, nullif(z.parent, 0), z.capacity
      FROM unnest($2::int[], $3::text[], $4::int[], $5::bigint[]) AS z (id, name, parent, capacity)
"""
ADD_GATES: Final[LiteralString] = """
    INSERT INTO gate (venue_id, gate_id, name, zone_id, direction)
    SELECT $1, g.id, g.name, g.zone, g.direction
      FROM unnest($2::int[], $3::text[], $4::int[], $5::text[]) AS g (id, name, zone, direction)
"""


async def set_layout(
    tx: TenantTx, venue_id: UUID, zones: Sequence[Zone], gates: Sequence[Gate]
) -> None:
    """Replace a venue's zones and gates."""
    await tx.conn.execute(CLEAR_GATES, venue_id)
    await tx.conn.execute(CLEAR_ZONES, venue_id)
    columns = [[getattr(z, n) for z in zones] for n in ("id", "name", "parent", "capacity")]
    await tx.conn.execute(ADD_ZONES, venue_id, *columns)
    columns = [[getattr(g, n) for g in gates] for n in ("id", "name", "zone", "direction")]
    await tx.conn.execute(ADD_GATES, venue_id, *columns)


NAMES: Final[LiteralString] = """
    SELECT venue_id, name, address FROM venue WHERE venue_id = ANY($1)
"""


async def names(tx: TenantTx, venues: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return the names and addresses of venues."""
    rows = await tx.conn.fetch(NAMES, list(venues))
    return {row["venue_id"]: (row["name"], row["address"]) for row in rows}


USERS: Final[LiteralString] = """
    SELECT event_id FROM event WHERE venue_id = $1 AND state = ANY($2) ORDER BY event_id
"""


async def events_at(tx: TenantTx, venue_id: UUID, *states: str) -> list[UUID]:
    """Return the events at a venue that are in one of `states`."""
    return [row["event_id"] for row in await tx.conn.fetch(USERS, venue_id, list(states))]


def _venue(row: Row | None) -> VenueRow:
    if row is None:
        raise Refusal("not_found")
    return msgspec.convert({name: row[name] for name in VenueRow.__struct_fields__}, VenueRow)
