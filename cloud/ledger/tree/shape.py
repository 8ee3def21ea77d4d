"""Which sizes a tree can have, and where each part of its account lies.

    0    type u8 = 1 | version u8 = 0 | buffer u32 | depth u32 | authority 32 | slot u64 | pad 6
    56   sequence u64 | active index u64 | buffer used u64
    80   buffer times: root 32 | path depth x 32 | index u32 | pad u32
    ...  rightmost: proof depth x 32 | leaf 32 | leaves appended u32 | pad u32
    ...  canopy: its levels below the root, the highest first

Numbers are little-endian.
"""

from typing import Final

from msgspec import Struct

from cloud.ledger.faults import LedgerRefused
from cloud.ledger.tree.hashing import SIZE
from cloud.ledger.values import Shape

HEADER: Final = 56
COUNTERS: Final = 24
LONGEST_PROOF: Final = 17  # what a transaction must bring at most: deeper trees need a canopy

BUFFERS: Final = {
    3: (8,),
    5: (8,),
    **dict.fromkeys(range(6, 10), (16,)),
    **dict.fromkeys(range(10, 14), (32,)),
    14: (64, 256, 1024, 2048),
    **dict.fromkeys(range(15, 20), (64,)),
    20: (64, 256, 1024, 2048),
    24: (64, 256, 512, 1024, 2048),
    26: (512, 1024, 2048),
    30: (512, 1024, 2048),
}
"""The buffers that the programs know, by depth."""


class Layout(Struct, frozen=True):
    """Offsets into a tree's account."""

    shape: Shape
    change: int  # bytes of one entry of the buffer
    rightmost: int
    canopy: int
    size: int


def known(depth: int, buffer: int) -> bool:
    """Whether the programs take this pair."""
    return buffer in BUFFERS.get(depth, ())


def layout(shape: Shape) -> Layout:
    """Return where everything lies. Raises `LedgerRefused` ("tree_shape") for no such tree."""
    depth, canopy = shape.depth, shape.canopy
    if not known(depth, shape.buffer) or not max(0, depth - LONGEST_PROOF) <= canopy <= depth:
        raise LedgerRefused("tree_shape", "no program takes a tree of this depth and buffer")
    change = SIZE + depth * SIZE + 8
    rightmost = HEADER + COUNTERS + shape.buffer * change
    canopy_at = rightmost + change
    return Layout(shape, change, rightmost, canopy_at, canopy_at + ((2 << canopy) - 2) * SIZE)


def canopy_of(depth: int, buffer: int, size: int) -> int | None:
    """Return the levels of the canopy of an account of *size* bytes; None if it has no such."""
    fixed = HEADER + COUNTERS + (buffer + 1) * (SIZE + depth * SIZE + 8)
    nodes, rest = divmod(size - fixed, SIZE)
    canopy = (nodes + 2).bit_length() - 2
    fits = rest == 0 and nodes >= 0 and (2 << canopy) - 2 == nodes and canopy <= depth
    return canopy if fits else None
