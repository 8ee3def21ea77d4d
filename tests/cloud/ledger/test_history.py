"""History that is lost, late, or another's: what it doesn't tell is counted, and stops nothing."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger import history
from cloud.ledger.bubblegum.events import (
    ChangeEvent,
    LeafEvent,
    change_event,
    leaf_event,
    read_event,
)
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.faults import LedgerUntrusted
from cloud.ledger.ports import Chain
from cloud.ledger.tree.concurrent import Change
from cloud.ledger.values import Account, Commitment, Flag, Landed
from tests.cloud.database import Database
from tests.cloud.ledger.scene import FRIEND
from tests.cloud.ledger.test_ledger import Lying, Office, on

Page = Sequence[Landed]


def strange(page: Page) -> Page:
    """Make the oldest one that nobody here can read: by a program that does more at once."""
    return [*page[:-1], replace(page[-1], events=page[-1].events * 2)] if page else page


def forged(page: Page) -> Page:
    """Make the newest, a mint, one that tells of a leaf by another's hash."""
    if not page:
        return page
    leaf, *others = page[0].events
    other = (leaf[:-1] + bytes((leaf[-1] ^ 1,)), *others)
    return [replace(page[0], events=other), *page[1:]]


@pytest.mark.parametrize(
    ("lie", "told", "unaccounted"),
    [
        (lambda page: page, 2, 0),
        (strange, 1, 1),
        (forged, 1, 1),
        (lambda page: page[1:], 1, 1),  # the newest isn't listed yet
        (lambda _: [], 0, 2),  # the node keeps nothing so old
    ],
)
def test_what_history_does_not_tell_is_counted(
    database: Database, lie: Callable[[Page], Page], told: int, unaccounted: int
) -> None:
    """After a cursor too, whatever became of the transaction that it is."""

    async def act(office: Office) -> None:
        (first, *_) = await office.minted(3)
        await office.do(await office.ledger.freeze(first))
        cursor = (await office.ledger.reconcile(office.tree, None)).cursor
        failing = await office.ledger.thaw(first)
        await office.do(await office.ledger.burn(first))
        assert await office.ledger.submit(failing) is None  # it failed, and touched the tree
        office.clock.now += 0.4
        await office.minted(1)
        ended: dict[str, Any] = {"history": once(lie)}
        ledger = office.over(cast("Chain", Lying(office.chain, **ended)))
        changes = await ledger.reconcile(office.tree, cursor)
        assert (len(changes.effects), changes.unaccounted) == (told, unaccounted)

    on(database, act)


def once(lie: Callable[[Page], Page]) -> Callable[[Page], Page]:
    """Lie of the first page alone: an emptied one is the last."""
    pages: list[Page] = []

    def answer(page: Page) -> Page:
        pages.append(page)
        return lie(page) if len(pages) == 1 else page

    return answer


def test_a_history_that_repeats_itself_ends(database: Database) -> None:
    """One that has no end, or goes forward in time, is no history: it would be read for ever."""

    async def act(office: Office) -> None:
        await office.minted(3)
        newest = await office.chain.history(office.tree, None, None, 5)
        later = replace(newest[0], slot=newest[0].slot + 1, signature=Signature.default())
        for page in (newest, newest[:1], [newest[0], later]):
            lies: dict[str, Any] = {"history": lambda _, page=page: page}
            ledger = office.over(cast("Chain", Lying(office.chain, **lies)))
            with pytest.raises(LedgerUntrusted, match="history_order"):
                async with asyncio.timeout(20):
                    await ledger.reconcile(office.tree, None)

    on(database, act)


@pytest.mark.parametrize(
    ("counted", "base", "whole"),
    [
        ([], 5, 0),
        ([{6}, {7, 8}, set(), {9}], 5, 4),
        ([{6}, set(), {8}, {9}], 5, 2),  # the seventh isn't listed
        ([{7}, {6}, {8}], 5, 3),  # in one slot, in any order
        ([{7}, {8}], 5, 0),
        ([set(), {7}, {8}, {10}], None, 3),  # nobody knows what was before
        ([{6}, {2**64 - 1}], 5, 1),
    ],
)
def test_a_gap_is_found(counted: list[set[int]], base: int | None, whole: int) -> None:
    """History is taken for read up to where a change is missing."""
    assert history.whole_of(counted, base) == whole


def test_what_comes_later_makes_up_for_nothing(database: Database) -> None:
    """A change that the account doesn't count yet hides none that is missing; nor is one that is
    listed, and can't be read, missing."""

    async def act(office: Office) -> None:
        await office.minted(8)
        account = await office.chain.account(office.tree, Commitment.CONFIRMED)
        office.clock.now += 0.4
        await office.minted(5)
        pages: dict[str, Any] = {"account": older(office.tree, account), "history": once(without)}
        ledger = office.over(cast("Chain", Lying(office.chain, **pages)))
        changes = await ledger.reconcile(office.tree, None)
        assert (changes.unaccounted, changes.unread) == (5, 0)
        assert len(changes.landed[: changes.whole]) == 1  # the tree's own
        pages = {"history": once(lambda page: [page[0], unread(page[1]), *page[2:]])}
        ledger = office.over(cast("Chain", Lying(office.chain, **pages)))
        changes = await ledger.reconcile(office.tree, None)
        assert (changes.unaccounted, changes.unread) == (3, 3)
        assert changes.whole == len(changes.landed)

    on(database, act)


def older(tree: Pubkey, account: Account | None) -> Callable[[Account], Account | None]:
    """Show a tree as it was."""
    data = b"" if account is None else account.data
    return lambda held: account if len(held.data) == len(data) else held


def without(page: Page) -> Page:
    """Leave out the first mints: one transaction of five leaves."""
    return [each for each in page if len(each.events) != 10 or each is page[0]]


def unread(landed: Landed) -> Landed:
    """Make it one of a program that nobody here knows."""
    return replace(landed, events=(*landed.events, landed.events[-1]))


def instead(page: Page) -> Callable[[Page], Page]:
    """Answer with this."""
    return lambda _: page


def made_up(tree: Pubkey, landed: Landed, *counts: int) -> Landed:
    """Add changes of *tree* to what somebody else's transaction tells, which can't be read then."""
    path = tuple(bytes([7]) * 32 for _ in range(7))
    return replace(
        landed, events=(*landed.events, *(change_event(tree, Change(0, path, n)) for n in counts))
    )


def test_what_somebody_makes_up_counts_for_nothing(database: Database) -> None:
    """Anybody may name our tree in a transaction of theirs, and have events written down beside it:
    neither does it stop who reads, nor hide what is missing."""

    async def act(office: Office) -> None:
        await office.minted(20)
        newest = await office.chain.history(office.tree, None, None, 5)
        theirs = replace(newest[0], signature=Signature.default())
        for counts in ((2**64 - 1,), (21, 22, 23), (0,), (18, 19)):
            page = [made_up(office.tree, theirs, *counts), *newest[:1], *newest[2:]]
            lies: dict[str, Any] = {"history": once(instead(page))}
            ledger = office.over(cast("Chain", Lying(office.chain, **lies)))
            changes = await ledger.reconcile(office.tree, None)
            assert (changes.unaccounted, changes.unread) == (5, 0)
            lies = {"landed": lambda one, counts=counts: made_up(office.tree, one, *counts)}
            ledger = office.over(cast("Chain", Lying(office.chain, **lies)))
            changes = await ledger.reconcile(office.tree, newest[1].signature)
            assert (changes.unaccounted, changes.whole) == (5, 1)

    on(database, act)


def test_a_history_that_its_tree_denies_is_none(database: Database) -> None:
    """A change that was another, or a second one at the same time."""

    async def act(office: Office) -> None:
        tickets = await office.minted(3)
        moved = await office.ledger.transfer(tickets[0], FRIEND)
        await office.do(moved)
        (newest, *older_ones) = await office.chain.history(office.tree, None, None, 5)
        leaf, change = (read_event(event) for event in newest.events)
        assert isinstance(leaf, LeafEvent)
        assert isinstance(change, ChangeEvent)
        frozen = replace(leaf.leaf, flags=Flag.FROZEN)
        path = (leaf_hash(frozen), *change.change.path[1:])
        told = (
            leaf_event(frozen, leaf_hash(frozen)),
            change_event(office.tree, replace(change.change, path=path)),
        )
        second = replace(newest, signature=Signature.default())
        for page in ([replace(newest, events=told), *older_ones], [second, newest, *older_ones]):
            lies: dict[str, Any] = {"history": once(instead(page))}
            ledger = office.over(cast("Chain", Lying(office.chain, **lies)))
            with pytest.raises(LedgerUntrusted, match="history_tree"):
                await ledger.reconcile(office.tree, None)

    on(database, act)
