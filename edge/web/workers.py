"""Threads for what blocks: the disk and Argon2. The event loop never waits.

Each kind of work has its own few threads, so that somebody who tries PINs holds up no scan.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from edge.web.problems import Problem

T = TypeVar("T")


class Workers:
    """All threads of this server."""

    def __init__(self) -> None:
        self._scanning = CapacityLimiter(8)
        self._signing = CapacityLimiter(2)
        self._reading = CapacityLimiter(4)

    async def scan(self, work: Callable[[], T]) -> T:
        """Do what decides and writes."""
        return await to_thread.run_sync(work, limiter=self._scanning)

    async def sign(self, work: Callable[[], T]) -> T:
        """Do what signs somebody in."""
        return await to_thread.run_sync(work, limiter=self._signing)

    async def read(self, work: Callable[[], T]) -> T:
        """Do what only looks."""
        return await to_thread.run_sync(work, limiter=self._reading)


class Places:
    """Room in memory for a few pictures at once; used by the event loop alone."""

    def __init__(self, most: int) -> None:
        self._free = most

    def __enter__(self) -> None:
        if self._free == 0:
            raise Problem(503, "frames_busy")
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1
