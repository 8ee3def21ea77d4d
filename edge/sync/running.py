"""The cloud as a part of the agent: asked as soon as this device knows where it is."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Final

from edge.gate.gate import Gate
from edge.sync.client import Cloud
from edge.sync.opened import context_of, origin_of
from edge.sync.push import unrelayed
from edge.sync.syncing import Syncing

LOG: Final = logging.getLogger(__name__)
THREADS: Final = 8  # that wait for the disk: of lists, tickets, searches, records, reports


@asynccontextmanager
async def running(gate: Gate, relay: Callable[[bytes], None] = unrelayed) -> AsyncIterator[None]:
    """Keep gate and cloud together as long as this lasts; nothing where there is no cloud.
    `relay` passes the cloud's receipts on to neighbours."""
    origin = origin_of(gate.settings, gate.stores.settings)
    if not origin:
        yield
        return
    try:
        verify = context_of(origin, gate.settings.cloud.ca)
    except OSError:  # the gate scans on alone
        LOG.exception("the cloud's authority can't be read")
        yield
        return
    tenant = gate.held.trust.roster.tenant
    with ThreadPoolExecutor(THREADS, "sync") as pool:
        trace, clock = gate.settings.cloud.trace, gate.clock.stamp_ms
        async with Cloud(origin, tenant, gate.me, clock, verify=verify, trace=trace) as cloud:
            written = Written(asyncio.get_running_loop())
            gate.ledger.listen(written)
            task = asyncio.create_task(_kept(written, lambda: Syncing(gate, cloud, pool, relay)))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


class Written:
    """Tells the sync, from whatever thread wrote, that a record of ours waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.syncing: Syncing | None = None

    def __call__(self, _raws: Sequence[bytes], own: bool) -> None:
        """Take what `Ledger.listen` tells."""
        if own and self.syncing is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.syncing.written)


async def _kept(written: Written, make: Callable[[], Syncing]) -> None:
    """Run; a fault of our own is told and tried again, since the gate must not stand alone."""
    while True:
        try:
            written.syncing = make()
            await written.syncing.run()
            return
        except Exception:
            LOG.exception("the sync broke")
            await asyncio.sleep(5.0)
