"""One kind of pulling, at the pace of its news."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

from edge.sync.backoff import Backoff
from shared.wire import SyncState

LOG: Final = logging.getLogger(__name__)


class Work:
    """Done for the newest state alone, and again after a pause if something of it failed."""

    def __init__(self, do: Callable[[SyncState], Awaitable[Iterable[Exception]]]) -> None:
        self._do = do
        self._news = asyncio.Event()
        self._here = asyncio.Event()
        self._state: SyncState | None = None
        self._backoff = Backoff(random.random)

    def told(self, state: SyncState) -> None:
        """Take news."""
        self._state = state
        self._news.set()

    def moved(self) -> None:
        """Note that something of it is done: should it fail then, its pauses begin anew."""
        self._backoff.worked()

    def reached(self) -> None:
        """Don't wait on: the cloud is there again."""
        self._here.set()

    async def run(self) -> None:
        """Work until this is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._state is None:
                continue
            failed = list(await self._do(self._state))
            for error in failed:
                LOG.info("sync: %s: %s", type(error).__name__, error)
            if failed:
                await self._pause(max(getattr(error, "wait", 0.0) for error in failed))
                self._news.set()
            else:
                self._backoff.worked()

    async def _pause(self, wait: float) -> None:
        self._here.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._here.wait(), self._backoff.failed(wait))
