"""Work in order within a key, and side by side across keys."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Lanes(Generic[Thing]):
    """A lane for each key that has something.

    `work` says whether its lane goes on; if not, all that waits behind is handed to `drop`, in
    order.
    """

    def __init__(
        self, work: Callable[[Thing], Awaitable[bool]], drop: Callable[[Thing], Awaitable[None]]
    ) -> None:
        self._work = work
        self._drop = drop
        self._lanes: dict[str, deque[Thing]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def add(self, key: str, thing: Thing) -> None:
        """Put `thing` behind what its key has."""
        if (lane := self._lanes.get(key)) is not None:
            lane.append(thing)
            return
        self._lanes[key] = deque([thing])
        task = asyncio.create_task(self._run(key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def end(self, patience: float) -> None:
        """Return when all lanes have ended, or are ended after `patience` seconds."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patience)
            for each in late:
                each.cancel()

    async def _run(self, key: str) -> None:
        lane = self._lanes[key]
        going = True
        try:
            while going and lane:
                going = await self._work(lane.popleft())
        finally:
            del self._lanes[key]  # what comes from now on has a lane of its own
        for each in lane:
            await self._drop(each)
