"""Manifests in PostgreSQL, and the journal of what changed since the last one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.manifests.listing import Listed, of_row
from cloud.manifests.model import KEPT_HEADS, PAGE, PRUNE_EVERY, Due
from shared.manifest.delta import HEADER, MAX_ENTRIES, MAX_LOG, Entry

DUE: Final[LiteralString] = "SELECT tenant_id, event_id FROM manifests_due($1)"


async def due(conn: Connection, now: datetime) -> list[Due]:
    """Return the events whose manifest is to be published, of all tenants."""
    return [Due(row["tenant_id"], row["event_id"]) for row in await conn.fetch(DUE, now)]


BEGIN: Final[LiteralString] = """
    INSERT INTO manifest (event_id) VALUES ($1) ON CONFLICT DO NOTHING
"""
LOCK: Final[LiteralString] = """
    SELECT m.version, m.issued_at, e.ref, e.ends_at
      FROM manifest m JOIN event e USING (tenant_id, event_id)
     WHERE m.tenant_id = current_tenant() AND m.event_id = $1 FOR UPDATE OF m SKIP LOCKED
"""


class Held(NamedTuple):
    """An event, and the version that is published of it, 0 for none."""

    version: int
    issued_at: datetime | None
    ref: bytes
    ends_at: datetime


async def locked(tx: TenantTx, event_id: UUID) -> Held | None:
    """Return an event for this transaction alone to publish; None where another one does."""
    await tx.conn.execute(BEGIN, event_id)
    row = await tx.conn.fetchrow(LOCK, event_id)
    return None if row is None else Held(**{name: row[name] for name in Held._fields})


TAKE: Final[LiteralString] = """
    DELETE FROM manifest_change WHERE tenant_id = current_tenant() AND event_id = $1
 RETURNING ticket_id
"""


async def take_changes(tx: TenantTx, event_id: UUID) -> list[UUID | None]:
    """Take the journal's rows. Read the tickets after: what commits later stays in the journal."""
    return [row["ticket_id"] for row in await tx.conn.fetch(TAKE, event_id)]


SOME: Final[LiteralString] = """
    SELECT ticket_id, hash, class_index, state, gen, blocked, holder, attendee, seat, token
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY ($2)
     ORDER BY number
"""
NEXT: Final[LiteralString] = """
    SELECT ticket_id, hash, class_index, state, gen, blocked, holder, attendee, seat, token, number
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND number > $2
       AND state NOT IN ('created', 'reserved', 'purchased', 'minted')
     ORDER BY number LIMIT $3
"""


async def tickets(tx: TenantTx, event_id: UUID, ids: Collection[UUID]) -> list[Listed]:
    """Return some tickets."""
    return [of_row(row) for row in await tx.conn.fetch(SOME, event_id, list(ids))]


async def page(tx: TenantTx, event_id: UUID, after: int) -> tuple[list[Listed], int | None]:
    """Return the next tickets, and after which number to go on."""
    rows = await tx.conn.fetch(NEXT, event_id, after, PAGE)
    return [of_row(row) for row in rows], rows[-1]["number"] if len(rows) == PAGE else None


class Chunk(NamedTuple):
    """A chunk and the names in it."""

    records: bytes
    names: bytes


LENGTHS: Final[LiteralString] = """
    SELECT place, length(records) AS size FROM manifest_chunk
     WHERE tenant_id = current_tenant() AND event_id = $1
"""
CHUNKS: Final[LiteralString] = """
    SELECT place, records, names FROM manifest_chunk
     WHERE tenant_id = current_tenant() AND event_id = $1 AND place = ANY ($2) AND version <= $3
"""


async def lengths(tx: TenantTx, event_id: UUID) -> dict[int, int]:
    """Return how many bytes of records each chunk has, but for empty ones."""
    return {row["place"]: row["size"] for row in await tx.conn.fetch(LENGTHS, event_id)}


async def chunks(
    tx: TenantTx, event_id: UUID, places: Sequence[int], version: int
) -> dict[int, Chunk]:
    """Return chunks that are as they were at `version`; one that has changed since is left out."""
    rows = await tx.conn.fetch(CHUNKS, event_id, list(places), version)
    return {row["place"]: Chunk(row["records"], row["names"]) for row in rows}


UNCHANGED: Final[LiteralString] = """
    SELECT place FROM manifest_chunk
     WHERE tenant_id = current_tenant() AND event_id = $1 AND version <= $2 ORDER BY place
"""


async def unchanged(tx: TenantTx, event_id: UUID, version: int) -> list[int]:
    """Return which chunks are as they were at `version`."""
    return [row["place"] for row in await tx.conn.fetch(UNCHANGED, event_id, version)]


PUT: Final[LiteralString] = """
    INSERT INTO manifest_chunk AS c (event_id, place, version, records, names)
    SELECT $1, place, $2, records, names
      FROM unnest($3::smallint[], $4::bytea[], $5::bytea[]) AS n (place, records, names)
    ON CONFLICT (tenant_id, event_id, place) DO UPDATE
       SET version = excluded.version, records = excluded.records, names = excluded.names
     WHERE (c.records, c.names) IS DISTINCT FROM (excluded.records, excluded.names)
"""
HEAD: Final[LiteralString] = """
    INSERT INTO manifest_head (event_id, version, raw) VALUES ($1, $2, $3)
"""
VERSION: Final[LiteralString] = """
    UPDATE manifest SET version = $2, issued_at = $3
     WHERE tenant_id = current_tenant() AND event_id = $1
"""
FORGET_HEADS: Final[LiteralString] = """
    DELETE FROM manifest_head
     WHERE tenant_id = current_tenant() AND event_id = $1 AND version <= $2
"""


async def put(
    tx: TenantTx, event_id: UUID, version: int, raw: bytes, changed: Mapping[int, Chunk]
) -> None:
    """Store a version: its head, and the chunks that it changes. Tell whoever follows."""
    conn = tx.conn
    records, names = [c.records for c in changed.values()], [c.names for c in changed.values()]
    await conn.execute(PUT, event_id, version, list(changed), records, names)
    await conn.execute(HEAD, event_id, version, raw)
    await conn.execute(FORGET_HEADS, event_id, version - KEPT_HEADS)
    await conn.execute(VERSION, event_id, version, tx.now)
    await tx.tell_devices()


STEP: Final[LiteralString] = """
    INSERT INTO manifest_delta (event_id, version, changes) VALUES ($1, $2, $3)
"""
PRUNE: Final[LiteralString] = """
    DELETE FROM manifest_delta d USING (
        SELECT version, sum(length(changes) + $2) OVER (ORDER BY version DESC) AS size,
               row_number() OVER (ORDER BY version DESC) AS place
          FROM manifest_delta WHERE tenant_id = current_tenant() AND event_id = $1) s
     WHERE d.tenant_id = current_tenant() AND d.event_id = $1 AND d.version = s.version
       AND (s.size > $3 OR s.place > $4)
"""
FORGET_STEPS: Final[LiteralString] = """
    DELETE FROM manifest_delta WHERE tenant_id = current_tenant() AND event_id = $1
"""


async def put_step(tx: TenantTx, event_id: UUID, step: Entry) -> None:
    """Add an entry to the log, and drop what no answer would hold any more."""
    await tx.conn.execute(STEP, event_id, step.version, step.changes)
    if step.version % PRUNE_EVERY == 0:
        await tx.conn.execute(PRUNE, event_id, HEADER.size, MAX_LOG, MAX_ENTRIES)


async def start_chain(tx: TenantTx, event_id: UUID) -> None:
    """Drop the log: the next version leads on from nothing."""
    await tx.conn.execute(FORGET_STEPS, event_id)


FIND: Final[LiteralString] = """
    SELECT m.event_id, m.version, h.raw
      FROM event e JOIN manifest m USING (tenant_id, event_id)
      JOIN manifest_head h
        ON (h.tenant_id, h.event_id, h.version) = (m.tenant_id, m.event_id, m.version)
     WHERE e.tenant_id = current_tenant() AND e.ref = $1
"""
RAW: Final[LiteralString] = """
    SELECT raw FROM manifest_head
     WHERE tenant_id = current_tenant() AND event_id = $1 AND version = $2
"""
STEPS: Final[LiteralString] = """
    SELECT version, changes FROM manifest_delta
     WHERE tenant_id = current_tenant() AND event_id = $1 AND version > $2 AND version <= $3
     ORDER BY version
"""


class Published(NamedTuple):
    """The newest head of an event."""

    event_id: UUID
    version: int
    raw: bytes


async def find(tx: TenantTx, ref: bytes) -> Published | None:
    """Return the newest head of the event with a reference."""
    row = await tx.conn.fetchrow(FIND, ref)
    return None if row is None else Published(row["event_id"], row["version"], row["raw"])


async def head(tx: TenantTx, event_id: UUID, version: int) -> bytes | None:
    """Return a head as signed, if it is still kept."""
    raw: bytes | None = await tx.conn.fetchval(RAW, event_id, version)
    return raw


async def steps(tx: TenantTx, event_id: UUID, after: int, last: int) -> list[Entry]:
    """Return the log's entries from one version to another, as far as they are kept."""
    rows = await tx.conn.fetch(STEPS, event_id, after, last)
    return [Entry(row["version"], row["changes"]) for row in rows]
