"""Work that is due by news: done at once, in its turn, and no oftener than it may be."""

import asyncio

import pytest

from cloud.pacing import POLL, Paced, doubling
from tests.cloud.database import Database, awaited


def done(database: Database, due: list[str], at_once: int, takes: float) -> list[str]:
    """Have things done; return in which order they began. None waits for the next poll."""
    began: list[str] = []

    async def work(thing: str) -> bool:
        began.append(thing)
        await asyncio.sleep(takes)
        due.remove(thing)
        return True

    async def waiting() -> list[str]:
        return list(due)

    async def run() -> None:
        paced = Paced(
            database.app_url, "test_pacing", waiting, work, pace=0.05, share=0.0, at_once=at_once
        )
        stop = asyncio.Event()
        task = asyncio.create_task(paced.run(stop))
        async with asyncio.timeout(POLL * 0.8):
            while due:  # noqa: ASYNC110 - the list is what is looked at
                await asyncio.sleep(0.01)
        stop.set()
        await task

    awaited(run())
    return began


@pytest.mark.parametrize("takes", [0.0, 0.2])
def test_what_had_no_place_begins_when_another_has_ended(database: Database, takes: float) -> None:
    """Whether that ends within the pace or after it."""
    assert done(database, ["a", "b", "c"], 1, takes) == ["a", "b", "c"]


def test_a_slow_one_holds_up_no_other(database: Database) -> None:
    assert done(database, ["a", "b", "c", "d"], 3, 0.3) == ["a", "b", "c", "d"]


def test_waits_double_up_to_the_longest() -> None:
    assert [doubling(2.0, 9.0, times) for times in (0, 1, 2, 3, 4, 999)] == [2, 2, 4, 8, 9, 9]
