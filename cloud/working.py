"""What a worker does: dispatches messages, and sweeps what is due. One of several processes.

Every worker dispatches (cloud/messages/turning.py), since a message is taken by one alone. Sweeps
are the leader's: the worker that holds an advisory lock on a connection of its own. If it dies,
the server gives the lock back and another leads.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cloud.db.connect import Pool, connect, hang_up
from cloud.messages.consumer import Consumer
from cloud.messages.turning import Dispatch
from cloud.sweeps import PlatformSweep, Sweep, sweep, sweep_platform

LOG = structlog.get_logger("usher.worker")
LEADER: Final = 0x7573_6865_7202  # the advisory lock's number
POLL: Final = 5.0  # seconds between two looks at whether it leads
RETRY: Final = 2.0  # seconds after a failure of the database
JUMP: Final = 3.0  # seconds by which the wall clock was set, not drifted
Clock = Callable[[], datetime]
Part = Callable[[asyncio.Event], Awaitable[None]]  # runs beside the others until the event is set


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Worker:
    """A worker on an open pool. `listen_url`: where it is woken, on a connection of its own.

    `relays`: whether it takes messages out of the outbox, which is a broker's if there is one.
    """

    def __init__(
        self,
        pool: Pool,
        listen_url: str,
        consumers: Sequence[Consumer],
        sweeps: Sequence[Sweep],
        platform_sweeps: Sequence[PlatformSweep] = (),
        clock: Clock = utc_now,
        parts: Sequence[Part] = (),
        *,
        relays: bool = True,
    ) -> None:
        self._pool = pool
        self._url = listen_url
        self._sweeps = sweeps
        self._platform_sweeps = platform_sweeps
        self._clock = clock
        self._parts = parts
        self._dispatch = Dispatch(pool, listen_url, consumers, clock, relays=relays)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._persist(self._leading))
            for each in (self._dispatch.run, *self._parts):
                group.create_task(self._persist(partial(each, self._stop)))

    async def _persist(self, part: Callable[[], Any]) -> None:
        """Run a part again whatever ended it: its connection, or a fault in one tenant."""
        while not self._stop.is_set():
            try:
                await part()
            except Exception as error:  # noqa: BLE001 - the next round tries again
                LOG.warning("worker_interrupted", fault=type(error).__name__)
                await self._pause(RETRY)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def dispatch_all(self) -> int:
        """Handle all messages that are due, in turns; return how many there were."""
        return await self._dispatch.all(self._stop)

    async def _leading(self) -> None:
        conn: Any = await connect(self._url)
        try:
            while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", LEADER):
                await self._pause(POLL)
                if self._stop.is_set():
                    return
            LOG.info("leading")
            await self._lead(conn)
        finally:
            await hang_up(conn)

    async def _lead(self, conn: Any) -> None:
        scheduler = AsyncIOScheduler(timezone=UTC)
        first = {"next_run_time": utc_now()}  # a leader begins with what the last one left
        for each in self._sweeps:
            scheduler.add_job(
                self._sweep, "interval", [each], seconds=each.every, **ONE_AT_A_TIME, **first
            )
        for every in self._platform_sweeps:
            scheduler.add_job(
                self._sweep_platform,
                "interval",
                [every],
                seconds=every.every,
                **ONE_AT_A_TIME,
                **first,
            )
        scheduler.start()
        set_at = clock_set()
        try:
            while not self._stop.is_set():
                await self._pause(POLL)
                await conn.fetchval("SELECT 1")  # the lock is held as long as this answers
                set_at = keep_time(scheduler, set_at)
        finally:
            scheduler.shutdown(wait=False)

    async def _sweep(self, each: Sweep) -> None:
        await sweep(self._pool, each, self._clock)

    async def _sweep_platform(self, each: PlatformSweep) -> None:
        await sweep_platform(self._pool, each, self._clock)


def clock_set() -> float:
    """Return how far the wall clock is from the monotonic one: another where it was set."""
    return time.time() - time.monotonic()


def keep_time(scheduler: AsyncIOScheduler, before: float) -> float:
    """Make every sweep due where the wall clock was set since `before`; return how it is set now.

    apscheduler goes by the wall clock: set back by an hour, nothing would be swept for an hour.
    """
    after = clock_set()
    if abs(after - before) > JUMP:
        LOG.warning("clock_set", seconds=round(after - before))
        for job in scheduler.get_jobs():
            job.modify(next_run_time=utc_now())
    return after


# However late a round is, it is made, and none beside another.
ONE_AT_A_TIME: Final[dict[str, Any]] = {
    "max_instances": 1,
    "coalesce": True,
    "misfire_grace_time": None,
}
