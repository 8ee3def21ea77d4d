"""Where an event mints: its collection and its trees, planned with their cost and then made."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from msgspec import Struct

from cloud.ledger.ports import Signed
from cloud.ledger.values import Schema
from cloud.ledger.work.event_rows import OnLedger, Place, TreeRow
from cloud.ledger.work.house import House
from cloud.ledger.work.job_rows import Job
from cloud.ledger.work.naming import collection_uri, name_of_event
from cloud.ledger.work.planning import (
    MOST,
    cost,
    is_low,
    next_size,
    rented,
    shape_for,
    size_of,
)

UNAPPROVED: Final = "tree_not_approved"  # why an event stands: its cost is a person's to approve


class Room(Struct, frozen=True):
    """The tree that is filled now, and how many leaves more it takes."""

    tree: TreeRow
    left: int


def room(trees: Sequence[TreeRow], on_the_way: int) -> Room | None:
    """Return where to mint next. Leaves *on_the_way* may be in any tree: all are counted."""
    for tree in trees:
        left = size_of(tree.shape) - tree.minted - on_the_way
        if tree.state == "open" and left > 0:
            return Room(tree, left)
    return None


def awaited(trees: Sequence[TreeRow]) -> TreeRow | None:
    """Return a tree that is to be made."""
    return next((tree for tree in trees if tree.state in ("planned", "approved")), None)


def is_next_due(trees: Sequence[TreeRow], waiting: int) -> bool:
    """Whether another tree is to be planned, before the last one is full."""
    if awaited(trees) is not None:
        return False
    usable = [tree for tree in trees if tree.state == "open"]
    return not usable or is_low(usable[-1].shape, usable[-1].minted, waiting)


async def planned(house: House, about: OnLedger, tree_no: int, size: int, waiting: int) -> TreeRow:
    """Return the next tree, with what it will cost: also the collection's deposit, before the
    first that needs one. *size*: tickets that the event may have, perhaps more than a tree."""
    tickets = next_size(size, waiting) if tree_no else min(max(size, 1), MOST)
    shape = shape_for(tickets)
    named = about.name if house.schema is Schema.V2 and about.collection is None else None
    rent = sum([await house.chain.rent(each) for each in rented(shape, house.base, named)])
    state = "approved" if house.approves else "planned"
    told = cost(rent, tickets, house.schema)
    return TreeRow(tree_no, state, house.schema, shape, told, None, 0, None)


async def collection(house: House, place: Place, about: OnLedger) -> Job:
    """Sign the event's collection."""
    uri = collection_uri(house.base, place.tenant, place.event_id)
    return _job("collection", await house.ledger.create_collection(name_of_event(about.name), uri))


async def tree(house: House, wanted: TreeRow) -> Job:
    """Sign a tree that was approved."""
    return _job("tree", await house.ledger.create_tree(wanted.shape, wanted.schema), wanted.tree_no)


def _job(kind: str, signed: Signed, tree_no: int | None = None) -> Job:
    return Job(uuid4(), kind, signed, tree_no)
