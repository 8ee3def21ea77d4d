"""History that is lost, late, or another's: what it doesn't tell is counted, and stops nothing."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace

from cloud.ledger.ports import Chain
from cloud.ledger.values import Landed
from tests.cloud.database import Database
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
