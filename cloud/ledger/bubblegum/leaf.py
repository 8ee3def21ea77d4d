"""A leaf: its hash, and its bytes in events and return data."""

from typing import Final

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.tree.hashing import keccak
from cloud.ledger.values import Flag, Leaf, Schema

NO_COLLECTION: Final = keccak(bytes(32))
NO_ASSET_DATA: Final = keccak(b"")


def collection_hash(collection: Pubkey | None) -> bytes:
    """Return what a V2 leaf has of its collection."""
    return NO_COLLECTION if collection is None else keccak(bytes(collection))


def encode_leaf(leaf: Leaf) -> bytes:
    """Return a leaf's fields as they are hashed: after a byte of its schema, 1 or 2."""
    body = (
        bytes(leaf.id)
        + bytes(leaf.owner)
        + bytes(leaf.delegate)
        + leaf.nonce.to_bytes(8, "little")
        + leaf.data_hash
        + leaf.creator_hash
    )
    if leaf.schema is Schema.V1:
        return body
    return body + leaf.collection_hash + leaf.asset_data_hash + bytes((leaf.flags,))


def leaf_hash(leaf: Leaf) -> bytes:
    """Return the node that stands for a leaf in its tree."""
    return keccak((b"\1" if leaf.schema is Schema.V1 else b"\2") + encode_leaf(leaf))


def leaf_data(leaf: Leaf) -> bytes:
    """Return a leaf as minting returns it: its schema is 0 or 1 here."""
    return (b"\0" if leaf.schema is Schema.V1 else b"\1") + encode_leaf(leaf)


def read_leaf(reader: Reader) -> Leaf:
    """Read what `leaf_data` writes."""
    kind = reader.number(1)
    if kind > 1:
        raise LedgerMalformed("leaf", f"no schema {kind}")
    schema = Schema.V2 if kind else Schema.V1
    identity, owner, delegate = reader.key(), reader.key(), reader.key()
    nonce, data, creators = reader.number(8), reader.take(32), reader.take(32)
    if schema is Schema.V1:
        return Leaf(schema, identity, owner, delegate, nonce, data, creators)
    collection, asset_data, flags = reader.take(32), reader.take(32), Flag(reader.number(1))
    return Leaf(
        schema, identity, owner, delegate, nonce, data, creators, collection, asset_data, flags
    )
