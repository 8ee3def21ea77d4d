"""Work that comes back: each chore again after its time, or after a growing pause where it failed.

    chores = Chores(random)
    chores.add("pull", poll, every=30)
    chores.soon("pull")
    async with chores.running(): ...

apscheduler goes by the wall clock. A gate's wall clock may be set by a day at any moment, and
then nothing would run for a day: so that is looked for, and everything made due.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from edge.sync.backoff import Backoff, jittered

LOG: Final = logging.getLogger(__name__)
LOOK: Final = 1.0  # seconds between two looks at the wall clock
JUMP: Final = 3.0  # seconds


class Wait(Exception):
    """A chore failed, and the other side asked for so many seconds of peace."""

    def __init__(self, code: str, seconds: float = 0.0) -> None:
        super().__init__(code)
        self.seconds = seconds


@dataclass
class Chore:
    """One of them. `gap`: seconds that it waits for more when it is asked for; `again`: it was,
    while it ran; `due`: monotonic seconds."""

    name: str
    work: Callable[[], Awaitable[None]]
    every: float
    gap: float
    backoff: Backoff
    due: float = 0.0
    failed: bool = False
    running: bool = False
    again: bool = False


class Chores:
    """Used by one event loop alone."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._chores: dict[str, Chore] = {}

    def add(
        self, name: str, work: Callable[[], Awaitable[None]], every: float, gap: float = 0.0
    ) -> None:
        """Have `work` done at once and then about every so many seconds. It raises `Wait` where
        it failed."""
        chore = self._chores[name] = Chore(name, work, every, gap, Backoff(self._random))
        self._plan(chore, 0.0)

    def moved(self, name: str) -> None:
        """Note that it has got something done: should it fail then, its pauses begin anew."""
        self._chores[name].backoff.worked()

    def soon(self, name: str, *, anyway: bool = False) -> None:
        """Have it done after its gap, or once more when it is through. One that failed keeps its
        pause, but where it is done `anyway`: what it failed for has passed."""
        chore = self._chores[name]
        wait = jittered(chore.gap, self._random)
        if chore.running:
            chore.again = True
        elif (anyway or not chore.failed) and time.monotonic() + wait < chore.due:
            self._plan(chore, wait)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run as long as this lasts."""
        self._scheduler.start()
        looking = asyncio.create_task(keep_time(self._scheduler))
        try:
            yield
        finally:
            self._scheduler.shutdown(wait=False)
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _run(self, chore: Chore) -> None:
        if chore.running:
            chore.again = True
            return
        chore.running, chore.again, chore.failed = True, False, False
        wait = jittered(chore.every, self._random)
        try:
            await chore.work()
            chore.backoff.worked()
        except Wait as error:
            wait, chore.failed = chore.backoff.failed(error.seconds), True
            LOG.info("%s: %s", chore.name, error)
        except Exception:
            wait, chore.failed = chore.backoff.failed(), True
            LOG.exception("%s failed", chore.name)
        finally:
            chore.running = False
        again = chore.again and not chore.failed
        self._plan(chore, jittered(chore.gap, self._random) if again else wait)

    def _plan(self, chore: Chore, seconds: float) -> None:
        chore.due = time.monotonic() + seconds
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._scheduler.add_job(
            self._run, "date", [chore], run_date=at, id=chore.name,
            replace_existing=True, misfire_grace_time=None,
            max_instances=2,  # the next is made due from within the one that ends
        )  # fmt: skip


async def keep_time(scheduler: AsyncIOScheduler) -> None:
    """Make every job due whenever the wall clock was set."""
    before = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(LOOK)
        after = time.time() - time.monotonic()
        if abs(after - before) > JUMP:
            LOG.warning("the wall clock was set by %.0f seconds", after - before)
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))
        before = after
