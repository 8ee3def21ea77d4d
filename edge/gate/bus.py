"""Telling everybody at once: screens, lamp and turnstile hear of a verdict as it falls.

`publish` is called by the thread that decided; it never waits for a listener. A listener that
is slow loses its oldest news, never the newest.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final

import msgspec

from edge.gate.verdict import Verdict

MOST_KEPT: Final = 64
LOG: Final = logging.getLogger(__name__)


class LaneChanged(msgspec.Struct, frozen=True):
    """Somebody signed in or out, chose a post, began to practise or showed a challenge."""

    lane: str


News = Verdict | LaneChanged
Listener = Callable[[News], None]


class Subscription:
    """News of one lane for asyncio code: `async with bus.subscribe(lane) as news: async for …`."""

    def __init__(self, bus: "Bus", lane: str) -> None:
        self._bus = bus
        self._lane = lane
        self._news: deque[News] = deque(maxlen=MOST_KEPT)
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> "Subscription":
        self._bus.listen(self._hear)
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._bus.forget(self._hear)

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> News:
        while not self._news:
            self._arrived.clear()
            await self._arrived.wait()
        return self._news.popleft()

    def _hear(self, news: News) -> None:
        if news.lane == self._lane and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, news)

    def _take(self, news: News) -> None:
        self._news.append(news)
        self._arrived.set()


class Bus:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def publish(self, news: News) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            try:
                listener(news)
            except Exception:  # what was decided is written: no listener may undo that
                LOG.exception("a listener failed")

    def listen(self, listener: Listener) -> None:
        """Have `listener` called from the publishing thread; it must be quick and never raise."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def forget(self, listener: Listener) -> None:
        """Call `listener` no more."""
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each != listener)

    def subscribe(self, lane: str) -> Subscription:
        """Return a subscription to one lane's news; inside a running event loop."""
        return Subscription(self, lane)
