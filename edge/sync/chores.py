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
from contextlib import asynccontextmanager
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
        self._going: set[asyncio.Task[None]] = set()

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
        """Run as long as this lasts; what is under way then is broken off, and over."""
        self._scheduler.start()
        looking = asyncio.create_task(keep_time(self._scheduler))
        try:
            yield
        finally:
            self._scheduler.pause()
            await asyncio.sleep(0)  # what it has just begun is among the tasks
            going = (looking, *self._going)
            for each in going:
                each.cancel()
            await asyncio.gather(*going, return_exceptions=True)
            self._scheduler.shutdown(wait=False)

    async def _begin(self, chore: Chore) -> None:
        """Have a chore run in a task of its own: one that the scheduler ends it calls a fault."""
        if chore.running:
            chore.again = True
            return
        chore.running, chore.again, chore.failed = True, False, False
        task = asyncio.create_task(self._run(chore))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _run(self, chore: Chore) -> None:
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
            self._begin, "date", [chore], run_date=at, id=chore.name,
            replace_existing=True, misfire_grace_time=None,
            max_instances=2,  # one that is wanted again while it begins is not dropped
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
