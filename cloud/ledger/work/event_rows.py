"""Rows of an event on the ledger: its collection, its trees, and what metadata says of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.connect import Connection, Row
from cloud.db.tenancy import TenantTx
from cloud.ledger.values import Schema, Shape
from cloud.ledger.work.naming import image_path, text_of
from cloud.ledger.work.planning import Cost

DUE: Final[LiteralString] = "SELECT tenant_id, event_id FROM events_with_asset_work($1)"
READ: Final[LiteralString] = """
    SELECT a.collection, a.paused, a.freezes, a.fault, e.name, e.starts_at, v.name AS venue,
           a.image, i.media_type, e.state = 'draft' AS draft,
           EXISTS (SELECT FROM ledger_root r WHERE r.paused) AS stopped
      FROM asset_event a
      LEFT JOIN asset_image i USING (tenant_id, event_id, image)
      JOIN event e USING (tenant_id, event_id)
      JOIN venue v ON v.tenant_id = e.tenant_id AND v.venue_id = e.venue_id
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1
"""
TREES: Final[LiteralString] = """
    SELECT tree_no, state, schema, depth, buffer, canopy, cost, address, minted, cursor
      FROM asset_tree
     WHERE tenant_id = current_tenant() AND event_id = $1 ORDER BY tree_no
"""
SIZE: Final[LiteralString] = """
    SELECT greatest(
        (SELECT coalesce(sum(capacity), 0) FROM ticket_class
          WHERE tenant_id = current_tenant() AND event_id = $1 AND withdrawn_at IS NULL),
        (SELECT count(*) FROM asset WHERE tenant_id = current_tenant() AND event_id = $1))
"""
PLAN: Final[LiteralString] = """
    INSERT INTO asset_tree (event_id, tree_no, state, schema, depth, buffer, canopy, cost)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
OPENED: Final[LiteralString] = """
    UPDATE asset_tree SET state = 'open', address = $3
     WHERE tenant_id = current_tenant() AND event_id = $1 AND tree_no = $2
"""
COUNTED: Final[LiteralString] = """
    UPDATE asset_tree SET minted = minted + $3,
           state = CASE WHEN minted + $3 >= (1 << depth) THEN 'full' ELSE state END
     WHERE tenant_id = current_tenant() AND event_id = $1 AND tree_no = $2
"""
READ_TO: Final[LiteralString] = """
    UPDATE asset_tree SET cursor = $3
     WHERE tenant_id = current_tenant() AND event_id = $1 AND tree_no = $2
"""
COLLECTED: Final[LiteralString] = """
    UPDATE asset_event SET collection = $2
     WHERE tenant_id = current_tenant() AND event_id = $1
"""
STANDS: Final[LiteralString] = """
    UPDATE asset_event SET fault = left($2, 200)
     WHERE tenant_id = current_tenant() AND event_id = $1 AND fault <> left($2, 200)
"""
LOCK: Final[LiteralString] = """
    SELECT true FROM asset_event WHERE tenant_id = current_tenant() AND event_id = $1 FOR UPDATE
"""
WATCHED: Final[LiteralString] = """
    SELECT e.ends_at > $2::timestamptz - interval '2 days'
       AND EXISTS (SELECT FROM asset_tree t WHERE t.tenant_id = e.tenant_id
                      AND t.event_id = e.event_id AND t.address IS NOT NULL)
      FROM event e WHERE e.tenant_id = current_tenant() AND e.event_id = $1
"""
NEXT: Final[LiteralString] = """
    UPDATE asset_event SET due_at = $2 WHERE tenant_id = current_tenant() AND event_id = $1
"""
CLASSES: Final[LiteralString] = """
    SELECT class_index, name FROM ticket_class
     WHERE tenant_id = current_tenant() AND event_id = $1
"""
TEXTS: Final[LiteralString] = """
    SELECT DISTINCT ON (class_index) class_index, text_id, body FROM asset_text
     WHERE tenant_id = current_tenant() AND event_id = $1 ORDER BY class_index, text_id DESC
"""
SAY: Final[LiteralString] = """
    INSERT INTO asset_text (event_id, text_id, class_index, body)
    SELECT $1, coalesce(max(text_id), 0) + 1, $2, $3 FROM asset_text
     WHERE tenant_id = current_tenant() AND event_id = $1
    RETURNING text_id
"""


class Place(Struct, frozen=True):
    """An event that has work, and in which tenant."""

    tenant: UUID
    event_id: UUID


class OnLedger(Struct, frozen=True):
    """An event as the ledger's worker sees it."""

    name: str
    venue: str
    starts_at: datetime
    collection: Pubkey | None
    paused: bool
    freezes: bool
    fault: str
    image: str | None  # the path of the picture that is shown
    draft: bool  # which only its organizer knows of
    stopped: bool  # by the operator, as all others are


class Text(Struct, frozen=True):
    """What metadata says of a class (`naming.text_of`). It is never changed."""

    text_id: int
    body: Mapping[str, Any]


class TreeRow(Struct, frozen=True):
    """One of an event's trees."""

    tree_no: int
    state: str
    schema: Schema
    shape: Shape
    cost: Cost
    address: Pubkey | None
    minted: int
    cursor: Signature | None


async def due(conn: Connection, now: datetime) -> list[Place]:
    """Return events that have work, those that wait longest first."""
    return [Place(row["tenant_id"], row["event_id"]) for row in await conn.fetch(DUE, now)]


async def read(tx: TenantTx, event_id: UUID) -> OnLedger | None:
    """Return an event; None: it has nothing to do with the ledger."""
    row = await tx.conn.fetchrow(READ, event_id)
    if row is None:
        return None
    return OnLedger(
        row["name"], row["venue"], row["starts_at"], _key(row["collection"]), row["paused"],
        row["freezes"], row["fault"], _image(tx.tenant, event_id, row),
        row["draft"], row["stopped"],
    )  # fmt: skip


async def trees(tx: TenantTx, event_id: UUID) -> list[TreeRow]:
    """Return its trees, in order."""
    return [_tree(row) for row in await tx.conn.fetch(TREES, event_id)]


async def size(tx: TenantTx, event_id: UUID) -> int:
    """Return how many tickets it may have."""
    return int(await tx.conn.fetchval(SIZE, event_id))


async def plan(tx: TenantTx, event_id: UUID, tree: TreeRow) -> None:
    """Write down a tree that is to be, with what it costs."""
    shape, told = tree.shape, msgspec.to_builtins(tree.cost)
    await tx.conn.execute(
        PLAN, event_id, tree.tree_no, tree.state, tree.schema.value, shape.depth, shape.buffer,
        shape.canopy, told,
    )  # fmt: skip


async def opened(tx: TenantTx, event_id: UUID, tree_no: int, address: Pubkey) -> None:
    """Note that a tree is there."""
    await tx.conn.execute(OPENED, event_id, tree_no, bytes(address))


async def counted(tx: TenantTx, event_id: UUID, tree_no: int, leaves: int) -> None:
    """Note that so many leaves more are in a tree."""
    await tx.conn.execute(COUNTED, event_id, tree_no, leaves)


async def read_to(tx: TenantTx, event_id: UUID, tree_no: int, cursor: Signature) -> None:
    """Note up to where a tree's history was read."""
    await tx.conn.execute(READ_TO, event_id, tree_no, bytes(cursor))


async def collected(tx: TenantTx, event_id: UUID, address: Pubkey) -> None:
    """Note that the collection is there."""
    await tx.conn.execute(COLLECTED, event_id, bytes(address))


async def stands(tx: TenantTx, event_id: UUID, fault: str) -> None:
    """Note why an event stands still; "": it does not."""
    await tx.conn.execute(STANDS, event_id, fault)


async def is_watched(tx: TenantTx, event_id: UUID) -> bool:
    """Whether others may do something to its trees that matters: until two days after it."""
    return await tx.conn.fetchval(WATCHED, event_id, tx.now) is True


async def lock(tx: TenantTx, event_id: UUID) -> None:
    """Hold the event's row: whoever wishes waits."""
    await tx.conn.execute(LOCK, event_id)


async def look_next(tx: TenantTx, event_id: UUID, at: datetime | None) -> None:
    """Say when to look at the event again; it is locked."""
    await tx.conn.execute(NEXT, event_id, at)


async def texts(tx: TenantTx, event_id: UUID, about: OnLedger, base: str) -> dict[int, Text]:
    """Return the text of each class, a new one where something has changed. *base*: where we
    are reached."""
    rows = {row["class_index"]: row for row in await tx.conn.fetch(TEXTS, event_id)}
    return {
        row["class_index"]: await _text(
            tx, event_id, about, base, row, rows.get(row["class_index"])
        )
        for row in await tx.conn.fetch(CLASSES, event_id)
    }


async def _text(
    tx: TenantTx, event_id: UUID, about: OnLedger, base: str, of: Row, last: Row | None
) -> Text:
    starts = about.starts_at.astimezone(UTC).isoformat()
    body = text_of(base, about.name, about.venue, starts, of["name"], about.image)
    if last is not None and last["body"] == body:
        return Text(last["text_id"], body)
    made = await tx.conn.fetchval(SAY, event_id, of["class_index"], body)
    return Text(int(made), body)


def _image(tenant: UUID, event_id: UUID, row: Row) -> str | None:
    if row["image"] is None:
        return None
    return image_path(tenant, event_id, row["image"], row["media_type"])


def _tree(row: Row) -> TreeRow:
    cursor = row["cursor"]
    return TreeRow(
        row["tree_no"],
        row["state"],
        Schema(row["schema"]),
        Shape(row["depth"], row["buffer"], row["canopy"]),
        msgspec.convert(row["cost"], Cost),
        _key(row["address"]),
        row["minted"],
        None if cursor is None else Signature.from_bytes(cursor),
    )


def _key(address: bytes | None) -> Pubkey | None:
    return None if address is None else Pubkey.from_bytes(address)
