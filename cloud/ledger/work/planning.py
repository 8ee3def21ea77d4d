"""Trees for an event: how large, and what they cost. Pure. Sums are in lamports.

The rent is asked of the chain, for its rate changes; the others are the programs' schedule
(as of 2026-09) and what a signature costs.
"""

from math import ceil
from typing import Final
from uuid import UUID

from msgspec import Struct

from cloud.ledger.bubblegum.collection import size_of as collection_size
from cloud.ledger.faults import LedgerRefused
from cloud.ledger.tree.shape import BUFFERS, layout
from cloud.ledger.values import Schema, Shape
from cloud.ledger.work.naming import collection_uri, name_of_event

SPARE: Final = 1.05  # tickets that are given back are sold again, as other tickets
LOW: Final = 0.1  # of a tree's leaves: with fewer left, the next tree is planned
DEEPEST: Final = 20
MOST: Final = 1 << DEEPEST  # leaves of the largest tree that we make
LONGEST: Final = 13  # nodes of a proof in a transaction beside a collection's accounts; 14 at most
CONFIG_SIZE: Final = 96
SIGNATURE: Final = 5_000
MINT_FEE: Final = {Schema.V1: 0, Schema.V2: 90_000}
EACH: Final = {Schema.V1: 5, Schema.V2: 3}  # mints in a transaction, metadata's address being long
NOBODY: Final = UUID(int=0)
LAMPORTS: Final = 1_000_000_000  # a SOL


class Cost(Struct, frozen=True):
    """What a tree and minting into it will cost. The rent is a deposit."""

    tickets: int
    rent: int
    fees: int  # to the chain, by signatures
    protocol: int  # to Metaplex, by mints

    @property
    def total(self) -> int:
        """All of it."""
        return self.rent + self.fees + self.protocol


def shape_for(tickets: int) -> Shape:
    """Return the smallest tree that holds so many, with some to spare if the largest has them.

    Raises `LedgerRefused` ("tree_size") for more than any tree that we make holds.
    """
    if tickets > MOST:
        raise LedgerRefused("tree_size", "an event of so many tickets needs several trees")
    needed = min(ceil(max(tickets, 1) * SPARE), MOST)
    depth = next(depth for depth in sorted(BUFFERS) if 1 << depth >= needed)
    return Shape(depth, BUFFERS[depth][0], max(0, depth - LONGEST) if depth > 14 else 0)


def size_of(shape: Shape) -> int:
    """Return how many leaves a tree has."""
    return 1 << shape.depth


def rented(shape: Shape, base: str = "", event: str | None = None) -> list[int]:
    """Return the sizes of the accounts that a tree needs; with an *event*'s name also that of its
    collection, whose metadata is at *base*."""
    sizes = [layout(shape).size, CONFIG_SIZE]
    if event is not None:
        uri = collection_uri(base, NOBODY, NOBODY)  # as long as any
        sizes.append(collection_size(name_of_event(event), uri))
    return sizes


def cost(rent: int, tickets: int, schema: Schema = Schema.V2, each: int = 0) -> Cost:
    """Return what *tickets* in a tree cost, that takes *rent*. *each*: mints in a transaction."""
    transactions = (
        ceil(tickets / (each or EACH[schema])) + 2
    )  # the collection's, and the tree's own
    return Cost(tickets, rent, transactions * SIGNATURE, tickets * MINT_FEE[schema])


def is_low(shape: Shape, minted: int, waiting: int) -> bool:
    """Whether the next tree is to be planned."""
    left = size_of(shape) - minted
    return left - waiting <= size_of(shape) * LOW


def next_size(first: int, waiting: int) -> int:
    """Return for how many tickets a tree after the first is: what waits, or a quarter more."""
    return min(max(waiting, first // 4, 8), 900_000)
