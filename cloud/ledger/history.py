"""A tree's history: read page by page, and what it doesn't tell counted.

A history is a node's word alone. What it leaves out shows, for a tree counts its changes.
"""

from collections.abc import AsyncIterator, Iterator, Sequence, Set
from typing import Final

import structlog
from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.bubblegum.effects import effects
from cloud.ledger.bubblegum.events import ChangeEvent, read_event
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.bubblegum.transaction import parse
from cloud.ledger.faults import LedgerFault, LedgerMalformed, LedgerUntrusted
from cloud.ledger.ports import Chain, Changes
from cloud.ledger.tree.concurrent import Change, ConcurrentTree
from cloud.ledger.tree.hashing import EMPTY_LEAF
from cloud.ledger.values import Effect, Error, Landed

LOG = structlog.get_logger("usher.ledger")
PAGE: Final = 100


class Base(Struct, frozen=True):
    """How often a tree had changed at some time: by what can be `read`, and with what else was
    `counted`, which may be made up. None: the node keeps nothing so old."""

    read: int | None
    counted: int | None


async def pages(
    chain: Chain, tree: Pubkey, since: Signature | None, before: Signature | None
) -> AsyncIterator[list[Landed]]:
    """Yield what touched *tree*, newest first.

    Raises `LedgerUntrusted` ("history_order") for a history that repeats itself or goes forward:
    it need not end.
    """
    told: set[Signature] = set()
    slot = None
    while page := await chain.history(tree, since, before, PAGE):
        for each in page:
            if each.signature in told or (slot is not None and each.slot > slot):
                raise LedgerUntrusted("history_order", "it repeats itself, or goes forward")
            told.add(each.signature)
            slot = each.slot
        yield page
        before = page[-1].signature


async def base_of(
    chain: Chain, tree: Pubkey, since: Signature | None, held: ConcurrentTree
) -> Base:
    """Return how often *tree*, whose account is *held*, had changed with *since*: what can be read
    of it tells, or of what was before."""
    if since is None:
        return Base(0, 0)
    last = await chain.landed(since)
    listed = [] if last is None else [last]
    told = effects_in(tree, listed)
    if last is not None and not told and _is_birth(tree, last):
        return Base(0, 0)
    if not told:
        async for page in pages(chain, tree, None, since):
            listed += page
            if told := effects_in(tree, page):
                break
    known = {found.sequence for found in told}
    due = range(1, held.sequence + 1)
    counted = {each for one in listed for each in _counted(tree, one, due, held)}
    return Base(max(known, default=None), max(known | counted, default=None))


def changes(
    tree: Pubkey,
    landed: Sequence[Landed],
    since: Signature | None,
    base: Base,
    held: ConcurrentTree,
) -> Changes:
    """Return what a history tells, oldest first, of a tree that had changed *base* times before it
    and is now as its account has it (*held*). What came after that doesn't make up for what is
    missing before.

    Raises `LedgerUntrusted` ("history_tree") for what the account denies.
    """
    read = [effects_in(tree, [one]) for one in landed]
    told = [found for some in read for found in some]
    _undenied(told, held)
    before = base.read or 0
    due = range(before + 1, held.sequence + 1)
    counted = [
        {found.sequence for found in some} or _counted(tree, one, due, held)
        for one, some in zip(landed, read, strict=True)
    ]
    known = {found.sequence for found in told if found.sequence in due}
    passed = {each for some in counted for each in some if each in due}
    return Changes(
        tuple(landed),
        tuple(told),
        landed[-1].signature if landed else since,
        max(0, held.sequence - before) - len(known),  # a range so long may have no length
        len(passed - known),
        whole_of(counted, base.counted),
    )


def _undenied(told: Sequence[Effect], held: ConcurrentTree) -> None:
    if len({found.sequence for found in told}) < len(told):
        raise LedgerUntrusted("history_tree", "two changes at once")
    for found in told:
        leaf = EMPTY_LEAF if found.burnt else leaf_hash(found.leaf)
        if held.logged(found.sequence) not in (None, (found.index, leaf)):
            raise LedgerUntrusted("history_tree", "the tree remembers another change")


def whole_of(counted: Sequence[Set[int]], base: int | None) -> int:
    """Return how many transactions, from the first, count their changes without a gap. Within a
    slot they may be listed in any order."""
    if base is None:
        base = min((each for some in counted for each in some), default=1) - 1
    seen, last, whole = set[int](), base, 0
    for place, some in enumerate(counted, 1):
        mine = {each for each in some if each > base}
        seen |= mine
        last = max({last, *mine})
        if len(seen) == last - base:
            whole = place
    return whole


def effects_of(landed: Landed) -> tuple[Effect, ...]:
    """Return what a transaction did to leaves; nothing if it failed."""
    if landed.error is not None:
        return ()
    transaction = parse(landed.raw)
    if isinstance(transaction, Error):
        raise LedgerMalformed("landed_bytes", transaction.name)
    told = tuple(found for found, _ in effects(transaction.calls, landed.events))
    for found in told:
        leaf = found.leaf
        if leaf.nonce != found.index or leaf.id != asset_of(found.tree, leaf.nonce):
            raise LedgerUntrusted("event_asset", "no such leaf has this id")
    return told


def readable(landed: Landed) -> tuple[Effect, ...]:
    """Return the same, and nothing of what can't be read: on a chain anybody may touch a tree's
    account, by programs that nobody here knows."""
    try:
        return effects_of(landed)
    except (LedgerMalformed, LedgerUntrusted) as fault:
        LOG.warning("ledger_unread", signature=str(landed.signature), fault=fault.code)
        return ()


def effects_in(tree: Pubkey, landed: Sequence[Landed]) -> tuple[Effect, ...]:
    """Return what can be read of what was done to *tree*."""
    return tuple(found for one in landed for found in readable(one) if found.tree == tree)


def _is_birth(tree: Pubkey, landed: Landed) -> bool:
    """Whether a transaction made *tree*. It can be read, for anybody may make events up."""
    try:
        effects_of(landed)
        return any(change.sequence == 0 for change in _changes(tree, landed))
    except LedgerFault:
        return False


def _counted(tree: Pubkey, landed: Landed, due: range, held: ConcurrentTree) -> set[int]:
    """Return the changes of *tree* that the events of a transaction count which can't be read.
    Events may be made up by anybody: of those, what the account denies doesn't count."""
    return {
        change.sequence
        for change in _changes(tree, landed)
        if change.sequence in due
        and held.logged(change.sequence) in (None, (change.index, change.path[0]))
    }


def _changes(tree: Pubkey, landed: Landed) -> Iterator[Change]:
    for event in landed.events:
        try:
            found = read_event(event)
        except (LedgerMalformed, LedgerUntrusted):
            continue
        if isinstance(found, ChangeEvent) and found.tree == tree:
            yield found.change
