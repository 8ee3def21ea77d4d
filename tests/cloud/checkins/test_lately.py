"""What gates have not sent, beside answers to scans: asked seldom, and in no scan's way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from cloud import lately, unsent
from cloud.db.connect import Pool
from cloud.lately import FRESH, KEPT, Lately
from cloud.unsent import Unsent

BEGAN = datetime(2027, 5, 1, 18, tzinfo=UTC)
TENANT, EVENT = uuid4(), uuid4()


class World:
    """A database that says what it is told to, and a clock that stands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.says: Unsent | Exception | None = Unsent(7, BEGAN - timedelta(seconds=20))
        self.asked = 0
        monkeypatch.setattr(lately, "tenant_tx", self._tx)
        monkeypatch.setattr(unsent, "read", self._read)
        self.lately = Lately(cast("Pool", None), self._now, lambda: self.seconds)

    async def head(self, event: UUID = EVENT) -> tuple[str | None, str | None]:
        said = await self.lately.head(TENANT, event)
        return said.get(unsent.AGE), said.get(unsent.WAITING)

    def _now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    @asynccontextmanager
    async def _tx(self, *_: object) -> AsyncIterator[None]:
        yield None

    async def _read(self, _tx: Any, _event: UUID) -> Unsent:
        self.asked += 1
        await asyncio.sleep(60 if self.says is None else 0.01)
        if not isinstance(self.says, Unsent):
            raise self.says or AssertionError
        return self.says


Act = Callable[[World], Coroutine[Any, Any, None]]


def played(act: Act) -> Callable[[World], None]:
    """Let a test run in a loop of its own."""

    @wraps(act)
    def test(world: World) -> None:
        asyncio.run(act(world))

    return test


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world of a test's own."""
    return World(monkeypatch)


@played
async def test_scans_of_a_moment_ask_once(world: World) -> None:
    """And the age goes on from there."""
    assert await asyncio.gather(*(world.head() for _ in range(50))) == [("20", "7")] * 50
    world.seconds = FRESH - 1
    world.says = Unsent(0, BEGAN)
    assert await world.head() == (str(20 + int(FRESH) - 1), "7")
    assert world.asked == 1
    world.seconds = FRESH
    assert await asyncio.gather(*(world.head() for _ in range(50))) == [(str(int(FRESH)), "0")] * 50
    assert world.asked == 2


@played
async def test_where_no_gate_takes_part_no_age_is_said(world: World) -> None:
    """As in every answer (cloud/README.md)."""
    world.says = Unsent(0, None)
    assert await world.head() == (None, "0")


@played
async def test_a_database_that_fails_costs_no_scan_its_answer(world: World) -> None:
    """What it said before goes on ageing; it is asked again after a while."""
    known, world.says = world.says, OSError("away")
    assert await world.head() == (None, None)
    assert await world.head() == (None, None)
    assert world.asked == 1
    world.says, world.seconds = known, FRESH
    assert await world.head() == (str(20 + int(FRESH)), "7")
    world.says, world.seconds = OSError("away"), 100
    assert await world.head() == ("120", "7")


@played
async def test_a_database_that_hangs_is_waited_for_once_and_not_for_long(
    world: World,
) -> None:
    """Whoever comes meanwhile waits no longer than the first."""
    world.says = None
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(world.head() for _ in range(20))) == [(None, None)] * 20
    assert world.asked == 1


@played
async def test_a_caller_that_hangs_up_leaves_the_others_their_answer(world: World) -> None:
    """The next one asks in its place."""
    first = asyncio.create_task(world.head())
    others = [asyncio.create_task(world.head()) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [("20", "7")] * 3


@played
async def test_of_many_events_the_last_are_kept(world: World) -> None:
    """A process that runs for years does not grow."""
    world.says = OSError("away")
    for number in range(KEPT + 50):
        await world.head(UUID(int=number))
    assert len(world.lately._kept) == len(world.lately._reading) == KEPT
