"""Work that is due by news: done soon, one at a time, each thing no oftener than its work allows.

Every worker listens on a channel of the database; that a thing is done by one worker alone is
its row's lock. However much comes in, a thing is done again only after `share` times as long as
it took the last time. A sweep takes what a lost notification has left.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

import asyncpg

from cloud.db.connect import hang_up

POLL: Final = 5.0  # seconds between two looks if nothing wakes it, and after a fault
Thing = TypeVar("Thing", bound=Hashable)
DueThings = Callable[[], Awaitable[Collection[Thing]]]
Work = Callable[[Thing], Awaitable[bool]]  # False: it failed, and rests for a while


class Paced(Generic[Thing]):
    """Does what is due, as part of a worker. `pace`: seconds between two of one thing."""

    def __init__(
        self,
        listen_url: str,
        channel: str,
        due: DueThings[Thing],
        work: Work[Thing],
        *,
        pace: float,
        share: float,
    ) -> None:
        self._url = listen_url
        self._channel = channel
        self._due = due
        self._work = work
        self._pace = pace
        self._share = share
        self._next: dict[Thing, float] = {}  # when it may be done again

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        woken = asyncio.Event()

        def wake(*_: Any) -> None:
            woken.set()

        conn = await asyncpg.connect(self._url)
        try:
            await conn.add_listener(self._channel, wake)
            while not stop.is_set():
                woken.clear()
                waits = await self.work_due()
                await self._rest(stop, woken, POLL if waits is None else waits)
                if conn.is_closed():
                    raise ConnectionResetError
        finally:
            await hang_up(conn)

    async def work_due(self) -> float | None:
        """Do what may be done now; return after how many seconds more may be, None for nothing."""
        due = dict.fromkeys(await self._due())  # a set in order
        now = time.monotonic()
        self._next = {each: at for each, at in self._next.items() if at > now or each in due}
        for each in due:
            if self._next.get(each, 0.0) <= now:
                await self._one(each)
        ahead = [at for each, at in self._next.items() if each in due]
        return max(0.01, min(ahead) - time.monotonic()) if ahead else None

    async def _one(self, each: Thing) -> None:
        began = time.monotonic()
        well = await self._work(each)
        now = time.monotonic()
        self._next[each] = now + (max(self._pace, self._share * (now - began)) if well else POLL)

    async def _rest(self, stop: asyncio.Event, woken: asyncio.Event, most: float) -> None:
        """Wait for the pace, then for news, `most` seconds in all; no longer than for `stop`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(self._pace, most))
        if most > self._pace and not stop.is_set():
            waits = {asyncio.ensure_future(each.wait()) for each in (stop, woken)}
            _, rest = await asyncio.wait(
                waits, timeout=most - self._pace, return_when=asyncio.FIRST_COMPLETED
            )
            for each in rest:
                each.cancel()
