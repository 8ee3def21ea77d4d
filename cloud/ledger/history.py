"""A tree's history: read page by page, and what it doesn't tell counted.

A history is a node's word alone. What it leaves out shows, for a tree counts its changes.
"""

from collections.abc import AsyncIterator, Iterable, Sequence, Set
from typing import Final

import structlog
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.bubblegum.effects import effects
from cloud.ledger.bubblegum.events import ChangeEvent, read_event
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.bubblegum.transaction import parse
from cloud.ledger.faults import LedgerMalformed, LedgerUntrusted
from cloud.ledger.ports import Chain, Changes
from cloud.ledger.values import Effect, Error, Landed

LOG = structlog.get_logger("usher.ledger")
PAGE: Final = 100


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


async def sequence_at(chain: Chain, tree: Pubkey, since: Signature | None) -> int | None:
    """Return how often *tree* had changed with *since*: its events tell, or older ones'. None: the
    node keeps nothing so old."""
    if since is None:
        return 0
    last = await chain.landed(since)
    told = [] if last is None else list(_counted(tree, last))
    if not told:
        async for page in pages(chain, tree, None, since):
            if told := [each for one in page for each in _counted(tree, one)]:
                break
    return max(told, default=None)


def changes(
    tree: Pubkey, landed: Sequence[Landed], since: Signature | None, base: int | None, now: int
) -> Changes:
    """Return what a history tells, oldest first, of a tree that had changed *base* times before it
    and has *now* times. What came after *now* doesn't make up for what is missing before."""
    read = [effects_in(tree, [one]) for one in landed]
    counted = [
        {found.sequence for found in told} or set(_counted(tree, one))
        for one, told in zip(landed, read, strict=True)
    ]
    due = range((base or 0) + 1, now + 1)
    known = {found.sequence for told in read for found in told if found.sequence in due}
    passed = {each for some in counted for each in some if each in due}
    return Changes(
        tuple(landed),
        tuple(found for told in read for found in told),
        landed[-1].signature if landed else since,
        max(0, now - (base or 0)) - len(known),  # a range so long may have no length
        len(passed - known),
        whole_of(counted, base),
    )


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


def _counted(tree: Pubkey, landed: Landed) -> Iterable[int]:
    """Return the changes of *tree* that a transaction's events count, whatever made them."""
    for event in landed.events:
        try:
            found = read_event(event)
        except (LedgerMalformed, LedgerUntrusted):
            continue
        if isinstance(found, ChangeEvent) and found.tree == tree:
            yield found.change.sequence
