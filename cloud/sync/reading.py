"""The newest state, read once for all streams that the same news has woken.

Two hundred gates of a venue follow; were each to read for itself, they would take every connection
at each scan.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cloud.db.connect import Pool
from cloud.db.tenancy import Origin, tenant_tx
from cloud.sync import state
from cloud.sync.hub import Hub
from cloud.sync.state import Newest

READER = Origin("streams")


class _Reading(NamedTuple):
    """One under way. `news`: how much there had been when it began."""

    news: int
    task: asyncio.Task[Newest]


class Reading:
    """Reads for all streams of this process."""

    def __init__(self, pool: Pool, hub: Hub, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._hub = hub
        self._clock = clock
        self._under_way: dict[UUID, _Reading] = {}

    async def newest(self, tenant: UUID) -> Newest:
        """Return the state as it is now, or was since the last news."""
        found, news = self._under_way.get(tenant), self._hub.news(tenant)
        if found is None or found.task.done() or found.news < news:
            found = _Reading(news, asyncio.create_task(self._read(tenant)))
            self._under_way[tenant] = found
        try:
            return await asyncio.shield(found.task)  # a stream that ends leaves it to the others
        finally:
            if found.task.done() and self._under_way.get(tenant) is found:
                del self._under_way[tenant]

    async def _read(self, tenant: UUID) -> Newest:
        async with tenant_tx(self._pool, tenant, READER, self._clock()) as tx:
            return await state.read_all(tx)
