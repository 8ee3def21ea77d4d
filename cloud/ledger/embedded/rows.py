"""The embedded ledger in PostgreSQL (migrations/0020_ledger.sql): what is written, in one piece."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, LiteralString

from msgspec import Struct
from msgspec.structs import replace
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.connect import Connection, Row
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.values import Asset, Effect, Error, Flag, Landed, Leaf, Paid, Schema

BEGIN: Final[LiteralString] = """
    INSERT INTO ledger_head (secret, started_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
GENESIS: Final[LiteralString] = "SELECT secret, started_ms, slot FROM ledger_head"
HEAD: Final[LiteralString] = "SELECT position, slot FROM ledger_head"
LOCK: Final[LiteralString] = "SELECT position, slot FROM ledger_head FOR UPDATE"
ADVANCE: Final[LiteralString] = "UPDATE ledger_head SET position = $1, slot = $2"
ACCOUNTS: Final[LiteralString] = """
    SELECT address, owner, lamports, data FROM ledger_account WHERE position > $1
"""
KEEP: Final[LiteralString] = """
    INSERT INTO ledger_account (address, owner, lamports, data, position)
    SELECT address, owner, lamports, data, $5
      FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[])
           AS t (address, owner, lamports, data)
        ON CONFLICT (address) DO UPDATE
       SET owner = EXCLUDED.owner, lamports = EXCLUDED.lamports, data = EXCLUDED.data,
           position = EXCLUDED.position
"""
SEEN: Final[LiteralString] = """
    SELECT signature FROM ledger_transaction WHERE signature = ANY($1::bytea[])
"""
LAND: Final[LiteralString] = """
    INSERT INTO ledger_transaction
           (position, signature, slot, landed_at, raw, fee, spent, events, error, code,
            instruction)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
TOUCH: Final[LiteralString] = "INSERT INTO ledger_touch (address, position) VALUES ($1, $2)"
LEAF: Final[LiteralString] = """
    INSERT INTO ledger_leaf
           (asset, tree, index, nonce, schema, owner, delegate, data_hash, creator_hash,
            collection_hash, asset_data_hash, flags, collection, sequence, name, symbol, uri,
            burnt, position)
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::integer[], $4::bigint[], $5::text[],
                         $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[],
                         $11::bytea[], $12::smallint[], $13::bytea[], $14::bigint[], $15::text[],
                         $16::text[], $17::text[], $18::boolean[], $19::bigint[])
        ON CONFLICT (asset) DO UPDATE
       SET owner = EXCLUDED.owner, delegate = EXCLUDED.delegate, flags = EXCLUDED.flags,
           sequence = EXCLUDED.sequence, burnt = EXCLUDED.burnt, position = EXCLUDED.position
"""
LEAVES: Final[LiteralString] = """
    SELECT * FROM ledger_leaf WHERE tree = $1 AND position > $2 ORDER BY index
"""
STATUSES: Final[LiteralString] = """
    SELECT signature, slot, landed_at, raw, fee, spent, events, error, code, instruction
      FROM ledger_transaction WHERE signature = ANY($1::bytea[])
"""
HISTORY: Final[LiteralString] = """
    SELECT signature, slot, landed_at, raw, fee, spent, events, error, code, instruction
      FROM ledger_transaction JOIN ledger_touch USING (position)
     WHERE address = $1
       AND position > coalesce(
               (SELECT u.position FROM ledger_transaction u WHERE u.signature = $2), -1)
       AND ($3::bytea IS NULL OR position <
               (SELECT b.position FROM ledger_transaction b WHERE b.signature = $3))
     ORDER BY position DESC LIMIT $4
"""
ASSET: Final[LiteralString] = """
    SELECT l.*, h.position AS head FROM ledger_leaf l, ledger_head h WHERE l.asset = $1
"""
OWNED: Final[LiteralString] = """
    SELECT * FROM ledger_leaf WHERE owner = $1 AND asset > $2 AND NOT burnt
     ORDER BY asset LIMIT $3
"""
COLLECTED: Final[LiteralString] = """
    SELECT * FROM ledger_leaf WHERE collection = $1 AND asset > $2 ORDER BY asset LIMIT $3
"""


class Entry(Struct, frozen=True):
    """A transaction to be written. `touched` are trees and collections."""

    landed: Landed
    effects: tuple[Effect, ...]
    touched: tuple[Pubkey, ...]


async def write(
    conn: Connection, position: int, entries: Sequence[Entry], changed: Mapping[Pubkey, Held]
) -> int:
    """Write transactions and the accounts after them. Returns the new position."""
    places = range(position + 1, position + 1 + len(entries))
    placed = list(zip(places, entries, strict=True))
    await conn.executemany(LAND, [(place, *_landed(entry.landed)) for place, entry in placed])
    touched = [(bytes(key), place) for place, entry in placed for key in entry.touched]
    await conn.executemany(TOUCH, touched)
    leaves = _leaves((found, place) for place, entry in placed for found in entry.effects)
    if leaves:
        await conn.execute(LEAF, *map(list, zip(*leaves, strict=True)))
    await keep(conn, changed, places[-1])
    return places[-1]


async def keep(conn: Connection, changed: Mapping[Pubkey, Held], position: int) -> None:
    """Write accounts."""
    await conn.execute(
        KEEP,
        [bytes(key) for key in changed],
        [bytes(held.owner) for held in changed.values()],
        [held.lamports for held in changed.values()],
        [bytes(held.data) for held in changed.values()],
        position,
    )


async def accounts(conn: Connection, after: int) -> dict[Pubkey, Held]:
    """Return the accounts that changed after a position."""
    return {
        Pubkey.from_bytes(row["address"]): Held(
            Pubkey.from_bytes(row["owner"]), row["lamports"], bytearray(row["data"])
        )
        for row in await conn.fetch(ACCOUNTS, after)
    }


async def seen(conn: Connection, signatures: Iterable[Signature]) -> set[Signature]:
    """Return which have landed already."""
    rows = await conn.fetch(SEEN, [bytes(signature) for signature in signatures])
    return {Signature.from_bytes(row["signature"]) for row in rows}


def _landed(landed: Landed) -> tuple[object, ...]:
    error = landed.error
    return (
        bytes(landed.signature),
        landed.slot,
        landed.time,
        landed.raw,
        landed.paid.fee,
        landed.paid.spent,
        list(landed.events),
        error and error.name,
        error and error.code,
        error and error.instruction,
    )


def _leaves(told: Iterable[tuple[Effect, int]]) -> list[tuple[object, ...]]:
    """Return one row a leaf: the last word on it, with the names that its mint told."""
    last: dict[Pubkey, tuple[Effect, int]] = {}
    for found, place in told:
        minted = last.get(found.leaf.id)
        if minted is not None:
            names = minted[0]
            found = replace(found, name=names.name, symbol=names.symbol, uri=names.uri)
        last[found.leaf.id] = found, place
    return [_leaf(found, place) for found, place in last.values()]


def _leaf(found: Effect, position: int) -> tuple[object, ...]:
    leaf = found.leaf
    return (
        bytes(leaf.id),
        bytes(found.tree),
        found.index,
        leaf.nonce,
        leaf.schema.value,
        bytes(leaf.owner),
        bytes(leaf.delegate),
        leaf.data_hash,
        leaf.creator_hash,
        leaf.collection_hash,
        leaf.asset_data_hash,
        int(leaf.flags),
        None if found.collection is None else bytes(found.collection),
        found.sequence,
        found.name or "",
        found.symbol or "",
        found.uri or "",
        found.burnt,
        position,
    )


def landed_of(row: Row) -> Landed:
    """Return a transaction from its row."""
    error = None if row["error"] is None else Error(row["error"], row["code"], row["instruction"])
    return Landed(
        Signature.from_bytes(row["signature"]),
        row["raw"],
        row["slot"],
        row["landed_at"],
        error,
        tuple(row["events"]),
        Paid(row["fee"], row["spent"]),
    )


def asset_from(row: Row) -> Asset:
    """Return an asset from its row."""
    leaf = Leaf(
        Schema(row["schema"]),
        Pubkey.from_bytes(row["asset"]),
        Pubkey.from_bytes(row["owner"]),
        Pubkey.from_bytes(row["delegate"]),
        row["nonce"],
        row["data_hash"],
        row["creator_hash"],
        row["collection_hash"],
        row["asset_data_hash"],
        Flag(row["flags"]),
    )
    collection = row["collection"]
    return Asset(
        leaf,
        Pubkey.from_bytes(row["tree"]),
        row["index"],
        row["sequence"],
        row["name"],
        row["symbol"],
        row["uri"],
        None if collection is None else Pubkey.from_bytes(collection),
        row["burnt"],
    )
