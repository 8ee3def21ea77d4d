"""Work that is due by news: done soon, and each thing no oftener than its work allows.

Every worker listens on a channel of the database; that a thing is done by one worker alone is
its row's lock. However much comes in, a thing is done again only after `share` times as long as
it took the last time. A sweep takes what a lost notification has left.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Generic, TypeVar

from cloud.db.connect import connect, hang_up

POLL: Final = 5.0  # seconds between two looks if nothing wakes it, and after a fault
Thing = TypeVar("Thing", bound=Hashable)
DueThings = Callable[[], Awaitable[Collection[Thing]]]  # in the order of their turn
Work = Callable[[Thing], Awaitable[bool]]  # False: it failed, and rests for a while


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Wait for one of several events, `seconds` at the most."""
    waits = {asyncio.ensure_future(each.wait()) for each in events}
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


@asynccontextmanager
async def at_least(seconds: float) -> AsyncIterator[None]:
    """Let what is done in here take so long, if it is done sooner: nobody learns what it did."""
    due = time.monotonic() + seconds
    yield
    await asyncio.sleep(max(0.0, due - time.monotonic()))


def doubling(first: float, most: float, times: int) -> float:
    """Return how long to wait after so many failures in a row: twice as long each time."""
    return min(most, first * 2.0 ** min(max(times, 1) - 1, 16))


class Paced(Generic[Thing]):
    """Does what is due, as part of a worker. `pace`: seconds between two of one thing;
    `at_once`: things, so that a slow one holds up no other."""

    def __init__(
        self,
        listen_url: str,
        channel: str,
        due: DueThings[Thing],
        work: Work[Thing],
        *,
        pace: float,
        share: float,
        at_once: int = 1,
    ) -> None:
        self._url = listen_url
        self._channel = channel
        self._due = due
        self._work = work
        self._pace = pace
        self._share = share
        self._at_once = at_once
        self._next: dict[Thing, float] = {}  # when it may be done again
        self._running: dict[Thing, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()  # by news, and by the end of something in hand

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is in hand is finished."""

        def wake(*_: Any) -> None:
            self._woken.set()

        conn: Any = await connect(self._url)
        try:
            await conn.add_listener(self._channel, wake)
            while not stop.is_set():
                self._woken.clear()
                waits = await self._begin()
                await self._rest(stop, POLL if waits is None else waits)
                if conn.is_closed():
                    raise ConnectionResetError
        finally:
            await hang_up(conn)
            await asyncio.gather(*self._running.values())

    async def _begin(self) -> float | None:
        """Begin what may be now; return after how many seconds more may be, None for nothing."""
        due = dict.fromkeys(await self._due())  # a set in order
        now = time.monotonic()
        self._next = {each: at for each, at in self._next.items() if at > now or each in due}
        free = [each for each in due if each not in self._running]
        ready = [each for each in free if self._next.get(each, 0.0) <= now]
        for each in ready[: self._at_once - len(self._running)]:
            self._running[each] = asyncio.create_task(self._one(each))
        ahead = [self._next[each] for each in free if each in self._next and each not in ready]
        return max(0.01, min(ahead) - time.monotonic()) if ahead else None

    async def _one(self, each: Thing) -> None:
        began, well = time.monotonic(), False
        try:
            well = await self._work(each)
        finally:
            now = time.monotonic()
            rest = max(self._pace, self._share * (now - began)) if well else POLL
            self._next[each] = now + rest
            del self._running[each]
            self._woken.set()  # what had no place beside it may begin

    async def _rest(self, stop: asyncio.Event, most: float) -> None:
        """Wait for the pace, then to be woken, `most` seconds in all; no longer than for `stop`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(self._pace, most))
        await first_of(stop, self._woken, seconds=max(0.0, most - self._pace))
