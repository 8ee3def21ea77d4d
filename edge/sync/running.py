"""The cloud as a part of the agent: asked as soon as this device knows where it is, also by an
enrolment beside the running agent."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Final

from edge.gate.gate import Gate
from edge.store.database import StorageFailed
from edge.store.stores import old_key
from edge.sync.client import Cloud
from edge.sync.opened import context_of, origin_of
from edge.sync.push import unrelayed
from edge.sync.rolling import Rolling, finished
from edge.sync.syncing import Syncing

LOG: Final = logging.getLogger(__name__)
THREADS: Final = 8  # that wait for the disk: of lists, tickets, searches, records, reports
LOOK: Final = 1.0  # seconds between two looks where the cloud is
AGAIN: Final = 5.0


class Syncs:
    """One gate's, wherever the cloud is at the time. Tells, from whatever thread wrote, that a
    record of ours waits."""

    def __init__(self, gate: Gate, pool: ThreadPoolExecutor, relay: Callable[[bytes], None]):
        self._gate = gate
        self._pool = pool
        self._relay = relay
        self._loop = asyncio.get_running_loop()
        self._syncing: Syncing | None = None

    def written(self, _raws: Sequence[bytes], own: bool) -> None:
        """Take what `Ledger.listen` tells."""
        if own and self._syncing is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told)

    async def run(self) -> None:
        """Keep to whatever origin is in force, until this is cancelled."""
        origin, task = "", None
        try:
            while True:
                if (now := await self._origin()) != origin:
                    await _ended(task)
                    origin, task = now, asyncio.create_task(self._at(now)) if now else None
                await asyncio.sleep(LOOK)
        finally:
            await _ended(task)

    def _told(self) -> None:
        if self._syncing is not None:
            self._syncing.written()

    async def _origin(self) -> str:
        """Return where the cloud is; nowhere, for a device that was wiped or can't read."""
        gate = self._gate
        with suppress(StorageFailed):
            return await self._loop.run_in_executor(
                self._pool, origin_of, gate.settings, gate.stores.settings
            )
        return ""

    async def _at(self, origin: str) -> None:
        """Run; a fault of our own is told and tried again, since the gate must not stand alone."""
        while True:
            try:
                await self._once(origin)
                return
            except Exception:  # the gate scans on alone meanwhile
                LOG.exception("the sync broke")
                await asyncio.sleep(AGAIN)
            finally:
                self._syncing = None

    async def _once(self, origin: str) -> None:
        gate, said = self._gate, self._gate.settings.cloud
        verify = context_of(origin, said.ca)
        tenant, clock = gate.held.trust.roster.tenant, gate.clock.stamp_ms
        async with Cloud(origin, tenant, gate.me, clock, verify=verify, trace=said.trace) as cloud:
            if (old := old_key(gate.settings.data_folder)) is not None:
                async with Cloud(origin, tenant, old, clock, verify=verify) as by_old:
                    await finished(Rolling(gate, old, gate.me, by_old, cloud), gate)
            self._syncing = Syncing(gate, cloud, self._pool, self._relay)
            await self._syncing.run()


@asynccontextmanager
async def running(gate: Gate, relay: Callable[[bytes], None] = unrelayed) -> AsyncIterator[None]:
    """Keep gate and cloud together as long as this lasts. `relay` passes the cloud's receipts on to
    neighbours."""
    with ThreadPoolExecutor(THREADS, "sync") as pool:
        syncs = Syncs(gate, pool, relay)
        gate.ledger.listen(syncs.written)
        task = asyncio.create_task(syncs.run())
        try:
            yield
        finally:
            await _ended(task)


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
