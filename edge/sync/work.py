"""One kind of pulling, at the pace of its news."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from edge.sync.backoff import Backoff
from shared.wire import SyncState

LOG: Final = logging.getLogger(__name__)
CALM: Final = 0.5  # seconds between a failure and the next try, whatever news there are
Newer = Callable[[], bool]
Do = Callable[[SyncState, Newer], Awaitable[Iterable[Exception]]]


class Work:
    """Done for the newest state alone, and again after a pause if something of it failed, or once
    there are news. `do` is given a state, and what says whether there is a newer one by now."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._news = asyncio.Event()
        self._here = asyncio.Event()
        self._stirred = asyncio.Event()  # by either
        self._state: SyncState | None = None
        self._backoff = Backoff(random.random)

    def told(self, state: SyncState) -> None:
        """Take news."""
        self._state = state
        self._news.set()
        self._stirred.set()

    def moved(self) -> None:
        """Note that something of it is done: should it fail then, its pauses begin anew."""
        self._backoff.worked()

    def reached(self) -> None:
        """Don't wait on: the cloud is there again."""
        self._here.set()
        self._stirred.set()

    async def run(self) -> None:
        """Work until this is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._state is None:
                continue
            failed = list(await self._do(self._state, self._news.is_set))
            for error in failed:
                LOG.info("sync: %s: %s", type(error).__name__, error)
            if failed:
                await self._pause(max(getattr(error, "wait", 0.0) for error in failed))
                self._news.set()
            else:
                self._backoff.worked()

    async def _pause(self, wait: float) -> None:
        """Wait as long as the cloud asks for, and on until there are news, or for long enough."""
        self._here.clear()
        pause, calm = self._backoff.failed(wait), wait + CALM
        if not await _came(self._here, min(pause, calm)) and not self._news.is_set():
            self._stirred.clear()
            await _came(self._stirred, max(0.0, pause - calm))


async def _came(what: asyncio.Event, seconds: float) -> bool:
    """Wait so long at most; return whether it came."""
    try:
        await asyncio.wait_for(what.wait(), seconds)
    except TimeoutError:
        return False
    return True
