"""What an index (DAS) says of assets, read into the ledger's values. Pure, and unproved.

Raises `LedgerMalformed`. An asset without an owner's delegate is its owner's; one of V2 tells the
hashes that only V2 has.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.rpc import words
from cloud.ledger.rpc.answers import Number, decoded
from cloud.ledger.values import Asset, Flag, Leaf, Proof, Schema

DEEPEST: Final = 30
Place = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Compression(Struct, frozen=True):
    """Where a leaf is, and its hashes."""

    compressed: bool
    data_hash: str = ""
    creator_hash: str = ""
    tree: str = ""
    seq: Number = 0
    leaf_id: Place = 0
    collection_hash: str | None = None
    asset_data_hash: str | None = None
    flags: Annotated[int, Meta(ge=0, le=255)] | None = None


class Ownership(Struct, frozen=True):
    """Whose it is."""

    owner: str
    delegate: str | None = None


class Words(Struct, frozen=True):
    """What it is called."""

    name: str = ""
    symbol: str = ""


class Content(Struct, frozen=True):
    """What it was minted as."""

    json_uri: str = ""
    metadata: Words = Words()


class Group(Struct, frozen=True):
    """What it belongs to."""

    group_key: str
    group_value: str | None = None


class Shown(Struct, frozen=True):
    """An asset of any kind."""

    id: str
    ownership: Ownership
    compression: Compression | None = None
    content: Content | None = None
    grouping: list[Group] | None = None
    burnt: bool = False


class Page(Struct, frozen=True):
    """A page of a list."""

    items: list[Shown]


class Shape(Struct, frozen=True):
    """A proof."""

    root: str
    proof: list[str]
    node_index: Number
    leaf: str
    tree_id: str


def read_asset(raw: bytes) -> Asset | None:
    """Read an asset, or None for one that is no leaf."""
    found: Shown | None = decoded(raw, Shown | None)
    return None if found is None else _asset(found)


def read_page(raw: bytes) -> list[tuple[str, Asset | None]]:
    """Read a page: ids, and the assets that are leaves."""
    return [(one.id, _asset(one)) for one in decoded(raw, Page).items]


def read_proof(raw: bytes) -> Proof | None:
    """Read a proof of the whole depth."""
    found: Shape | None = decoded(raw, Shape | None)
    if found is None:
        return None
    depth = len(found.proof)
    index = found.node_index - 2**depth
    if not 0 < depth <= DEEPEST or not 0 <= index < 2**depth:
        raise LedgerMalformed("rpc_proof", "a proof of no leaf")
    return Proof(
        words.key(found.tree_id),
        words.hash_of(found.root),
        words.hash_of(found.leaf),
        index,
        tuple(words.hash_of(node) for node in found.proof),
    )


def _asset(found: Shown) -> Asset | None:
    where = found.compression
    if where is None or not where.compressed:
        return None
    groups = [one.group_value for one in found.grouping or () if one.group_key == "collection"]
    content = found.content or Content()
    collection = groups[0] if groups else None
    return Asset(
        _leaf(found, where),
        words.key(where.tree),
        where.leaf_id,
        where.seq,
        content.metadata.name,
        content.metadata.symbol,
        content.json_uri,
        None if collection is None else words.key(collection),
        found.burnt,
    )


def _leaf(found: Shown, where: Compression) -> Leaf:
    owner = words.key(found.ownership.owner)
    delegate = found.ownership.delegate
    leaf = Leaf(
        Schema.V1,
        words.key(found.id),
        owner,
        owner if delegate is None else words.key(delegate),
        where.leaf_id,
        words.hash_of(where.data_hash),
        words.hash_of(where.creator_hash),
    )
    if where.collection_hash is None or where.asset_data_hash is None:
        return leaf
    return Leaf(
        Schema.V2,
        leaf.id,
        leaf.owner,
        leaf.delegate,
        leaf.nonce,
        leaf.data_hash,
        leaf.creator_hash,
        words.hash_of(where.collection_hash),
        words.hash_of(where.asset_data_hash),
        Flag(where.flags or 0),
    )
