"""What the programs write down by calling a noop program, which indexers read.

    leaf    01 00 | length u32 | 01 event | version 00 or 01 | schema | fields | hash 32
    change  00 00 | tree 32 | count u32 | count times (node 32, number u32) | sequence u64
            | leaf's index u32

Nodes go from the leaf up to the root, whose number is 1; below a node n are 2n and 2n + 1.
"""

from struct import Struct as Form
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.bubblegum.leaf import leaf_data, leaf_hash, read_leaf
from cloud.ledger.faults import LedgerMalformed, LedgerUntrusted
from cloud.ledger.tree.concurrent import Change
from cloud.ledger.values import Leaf, Schema

NUMBER: Final = Form("<I")
TAIL: Final = Form("<QI")


class LeafEvent(Struct, frozen=True):
    """A leaf as it is from now on."""

    leaf: Leaf


class ChangeEvent(Struct, frozen=True):
    """A tree's changed path."""

    tree: Pubkey
    change: Change


def leaf_event(leaf: Leaf, hashed: bytes) -> bytes:
    """Return the event of a leaf whose hash is *hashed*."""
    version = b"\0" if leaf.schema is Schema.V1 else b"\1"
    body = b"\1" + version + leaf_data(leaf) + hashed
    return b"\1\0" + len(body).to_bytes(4, "little") + body


def change_event(tree: Pubkey, change: Change) -> bytes:
    """Return the event of a changed path."""
    number = (1 << (len(change.path) - 1)) + change.index
    parts = [b"\0\0", bytes(tree), NUMBER.pack(len(change.path))]
    for node in change.path:
        parts += (node, NUMBER.pack(number))
        number >>= 1
    parts.append(TAIL.pack(change.sequence, change.index))
    return b"".join(parts)


def read_event(data: bytes) -> LeafEvent | ChangeEvent:
    """Read one event. Raises `LedgerMalformed`, and `LedgerUntrusted` for a wrong hash."""
    reader = Reader(data)
    kind, version = reader.number(1), reader.number(1)
    if kind > 1 or version:
        raise LedgerMalformed("event", f"no event {kind}, version {version}")
    found = _leaf(reader) if kind else _change(reader)
    reader.end()
    return found


def _leaf(reader: Reader) -> LeafEvent:
    length = reader.number(4)
    if length != len(reader.data) - reader.at:
        raise LedgerMalformed("event", "its length is not its own")
    if reader.number(1) != 1:
        raise LedgerMalformed("event", "not of a leaf")
    version = reader.number(1)
    leaf = read_leaf(reader)
    if version != (leaf.schema is Schema.V2):
        raise LedgerMalformed("event", "two schemas in one event")
    if reader.take(32) != leaf_hash(leaf):
        raise LedgerUntrusted("event_hash", "a leaf event with another leaf's hash")
    return LeafEvent(leaf)


def _change(reader: Reader) -> ChangeEvent:
    tree, count = reader.key(), reader.number(4)
    if not 4 <= count <= 31:
        raise LedgerMalformed("event", f"a path of {count}")
    path = []
    numbers = []
    for _ in range(count):
        path.append(reader.take(32))
        numbers.append(reader.number(4))
    sequence, index = reader.number(8), reader.number(4)
    first = (1 << (count - 1)) + index
    if index >> (count - 1) or numbers != [first >> level for level in range(count)]:
        raise LedgerMalformed("event", "its nodes are no path")
    return ChangeEvent(tree, Change(index, tuple(path), sequence))
