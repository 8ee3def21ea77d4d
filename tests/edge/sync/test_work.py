"""Work by what is newest: what fails is tried again, and is in no other's way."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

from edge.sync.failures import Away, Denied
from edge.sync.turns import Turns
from edge.sync.work import CALM, Newer, Work
from shared.wire import EventState, SyncState


def state(*events: str) -> SyncState:
    """Return a state that names events."""
    named = tuple(EventState(each * 8, 1) for each in events)
    return SyncState(1, 1, 1, 0, 0, 0, named)


class Asked:
    """What turns came to: `failing` are the events that fail."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.came: list[str] = []
        self._turns = Turns(self._one)

    def take(self, *events: str, newer: Callable[[], bool] = lambda: False) -> str:
        """Take events; return in which order they came."""
        self.came.clear()
        failed = asyncio.run(self._turns.take(state(*events), newer))
        assert len(failed) == len(self.failing & set(self.came))
        return " ".join(self.came)

    async def _one(self, named: EventState) -> None:
        self.came.append(named.event[:2])
        if named.event[:2] in self.failing:
            raise Away("gone")


def test_what_failed_comes_last_until_it_works() -> None:
    """And each comes once, however often it is named."""
    asked = Asked("aa", "cc")
    assert asked.take("aa", "bb", "cc", "dd", "aa") == "aa bb cc dd"
    assert asked.take("aa", "bb", "cc", "dd") == "bb dd aa cc"
    asked.failing = {"bb"}
    assert asked.take("aa", "bb", "cc", "dd") == "bb dd aa cc"
    assert asked.take("aa", "bb", "cc", "dd") == "aa cc dd bb"
    assert asked.take("cc") == "cc"
    assert asked.take("bb", "cc") == "bb cc", "what is named no more is forgotten"


def test_a_newer_state_ends_turns_of_which_one_has_failed() -> None:
    """Without a failure they go on: else the last event would starve while tickets are sold."""
    asked = Asked("bb")
    assert asked.take("aa", "bb", "cc", newer=lambda: True) == "aa bb"
    assert asked.take("aa", "bb", "cc", newer=lambda: True) == "aa cc bb"


def worked(error: Exception, passes: int, news: bool) -> list[float]:
    """Return how many seconds lay between so many passes that all failed."""

    async def run() -> list[float]:
        loop, at = asyncio.get_running_loop(), list[float]()
        enough = asyncio.Event()

        async def do(_: SyncState, newer: Newer) -> list[Exception]:
            assert not newer()
            at.append(loop.time())
            if len(at) == passes:
                enough.set()
            return [error]

        work = Work(do)
        task = asyncio.create_task(work.run())
        work.told(state("aa"))
        while not enough.is_set():
            await asyncio.sleep(0.02)
            if news:
                work.told(state("aa"))
        task.cancel()
        return [later - earlier for earlier, later in pairwise(at)]

    return asyncio.run(run())


def test_news_shorten_a_pause_and_are_no_flood() -> None:
    """Other events' tickets don't wait for one that fails: without news, pauses grow."""
    pauses = worked(Away("gone"), 6, news=True)
    assert min(pauses) > 0.9 * CALM
    assert sum(pauses) < 10.0
    alone = worked(Away("gone"), 4, news=False)
    assert alone[0] < alone[1] < alone[2]


def test_a_pause_that_the_cloud_asks_for_is_kept() -> None:
    """Whatever news come meanwhile."""
    assert worked(Denied(429, "rate_limited", wait=1.5), 2, news=True)[0] > 1.5
