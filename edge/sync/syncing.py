"""A running gate and the cloud, kept together: whatever fails is tried again, and nothing of it
is in a scan's way.

    stream   news at once; a poll beside it, which goes on when the stream is gone
    lists    keyset, roster, commands: first, and never behind a long download
    events   tickets, by delta or chunk by chunk
    searches supervisors' lists, beside the tickets
    incidents what a person must settle, for the screens
    chores   poll, report, upload, what others wrote, clean-up

A news only names the newest versions, so that of several the last one counts.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, Final

from edge.gate.gate import Gate, NotSetUp
from edge.gate.taking import Taking
from edge.store.database import StorageFailed
from edge.sync.backoff import Backoff, jittered
from edge.sync.chores import Chores, Wait
from edge.sync.client import Cloud
from edge.sync.failures import Away, Denied, Failure
from edge.sync.incidents import Incidents
from edge.sync.logs import Gossip
from edge.sync.pull import Pull
from edge.sync.push import Pushing, unrelayed
from edge.sync.reporting import Reporting
from edge.sync.searches import Searches
from edge.sync.seen import Seen
from edge.sync.stream import follow
from edge.sync.turns import TROUBLE
from edge.sync.work import Newer, Work
from shared.wire import SyncState

POLL: Final = 30.0  # seconds
REPORT: Final = 30.0
TIDY: Final = 600.0
LOOK: Final = 1.0
PUSH: Final = 5.0
PUSH_GAP: Final = 0.25  # for more records to come: one upload a scan would be many
GOSSIP: Final = 15.0
GOSSIP_GAP: Final = 1.5  # the cloud tells all gates at once of whatever came in
AGAIN: Final = 1.0  # seconds before a stream that ended is opened again
RETRY: Final = 15.0  # the longest pause of one that can't be opened: all else waits for it


class Syncing:
    """Used by one event loop alone. `relay` passes receipts on to neighbours."""

    def __init__(
        self,
        gate: Gate,
        cloud: Cloud,
        pool: Executor,
        relay: Callable[[bytes], None] = unrelayed,
    ) -> None:
        self._gate = gate
        self._cloud = cloud
        self._pool = pool
        self._chores = Chores(random.random)
        self._pull = Pull(cloud, gate, pool, self._tickets_moved)
        self._push = Pushing(cloud, gate, pool, relay, moved=partial(self._chores.moved, "push"))
        moved = partial(self._chores.moved, "gossip")
        self._gossip = Gossip(cloud, gate, self._push.heard, pool, moved)
        self._records = 0  # as of the newest news
        self._named: frozenset[bytes] | None = None  # events, by the newest news
        self._seen = Seen(gate.around, gate.clock.stamp_ms)
        incidents = Incidents(cloud, gate, pool)
        self._lists = Work(self._pull_lists)
        self._events = Work(self._pull.events)
        self._searches = Work(Searches(cloud, gate, pool, self._guests_moved).pull)
        self._incidents = Work(lambda state, _: incidents.pull(state))
        self._reporting = Reporting(cloud, gate, pool)
        self._over = asyncio.Event()
        self._chores.add("poll", self._poll, POLL)
        self._chores.add("report", partial(self._tried, self._reporting.step), REPORT)
        self._chores.add("tidy", self._tidy, TIDY)
        self._chores.add("look", self._look, LOOK)
        self._chores.add("push", partial(self._tried, self._push.step), PUSH, PUSH_GAP)
        self._chores.add("gossip", partial(self._tried, self._gossip.step), GOSSIP, GOSSIP_GAP)

    async def run(self) -> None:
        """Go on until this is cancelled or the device was wiped."""
        async with self._chores.running(), asyncio.TaskGroup() as tasks:
            going = [
                tasks.create_task(each)
                for each in (
                    self._lists.run(),
                    self._events.run(),
                    self._searches.run(),
                    self._incidents.run(),
                    self._follow(),
                )
            ]
            await self._over.wait()
            for each in going:
                each.cancel()

    def written(self) -> None:
        """Note, in the loop, that something waits to be uploaded."""
        if self._seen.here:
            self._chores.soon("push")

    def _tickets_moved(self) -> None:
        self._events.moved()

    def _guests_moved(self) -> None:
        self._searches.moved()

    def _told(self, state: SyncState) -> None:
        """Take news: what is newest, and whether anybody's records came in."""
        self._lists.told(state)
        self._incidents.told(state)
        if state.records > self._records:
            self._chores.soon("gossip")
        self._records = state.records
        self._named = frozenset(bytes.fromhex(each.event) for each in state.events)

    async def _pull_lists(self, state: SyncState, _: Newer) -> list[Exception]:
        """Pull lists, and let tickets follow: their heads may be signed by a key that is new."""
        failed = await self._pull.lists(state)
        self._events.told(state)
        self._searches.told(state)
        return failed

    async def _follow(self) -> None:
        """Follow the stream, and again whenever it ends."""
        backoff = Backoff(random.random, RETRY)
        while True:
            try:
                await follow(self._cloud, partial(self._heard, backoff), self._told)
                self._chores.soon("poll")  # it may have ended because we are shut out
                await asyncio.sleep(jittered(AGAIN, random.random))
            except Failure as error:
                if isinstance(error, Away):
                    self._seen.lost()
                self._chores.soon("poll")
                wait = error.wait if isinstance(error, Denied) else 0.0
                await asyncio.sleep(backoff.failed(wait))

    def _heard(self, backoff: Backoff) -> None:
        backoff.worked()
        if not self._seen.here:
            for work in (self._lists, self._events, self._searches, self._incidents):
                work.reached()
            for name in ("poll", "report", "push", "gossip"):
                self._chores.soon(name, anyway=True)
        self._seen.heard()

    async def _poll(self) -> None:
        try:
            state = await self._pull.state()
        except TROUBLE as error:
            if isinstance(error, Away):
                self._seen.lost()
            raise _wait(error) from None
        self._seen.heard()
        self._told(state)

    async def _look(self) -> None:
        """Let an old contact go, and report at once what is news."""
        self._seen.look()
        if self._gate.held.wiped:
            self._seen.lost()
            self._over.set()
        elif self._seen.here:
            with suppress(StorageFailed):
                if await self._reporting.due():
                    self._chores.soon("report")

    async def _tidy(self) -> None:
        taking = Taking(self._gate)
        with suppress(StorageFailed, NotSetUp):
            if self._named is not None:
                await self._blocking(partial(taking.let_go_of_others, self._named))
            await self._blocking(taking.sweep)

    async def _tried(self, step: Callable[[], Awaitable[object]]) -> None:
        try:
            await step()
        except TROUBLE as error:
            raise _wait(error) from None

    async def _blocking(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _wait(error: Exception) -> Wait:
    code = getattr(error, "code", type(error).__name__)
    return Wait(code, error.wait if isinstance(error, Denied) else 0.0)
