"""What workers do with search lists: publish what changed, and drop what is of no use any more."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.search import repository
from cloud.search.publisher import Keys, publish

LOG = structlog.get_logger("usher.search")
AGAIN: Final = 60.0  # seconds after a publication that failed


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with lists that are due, or over."""
    every = (*await repository.due(conn, now), *await repository.over(conn, now))
    return sorted({each.tenant for each in every})


class Lists:
    """Publishes what is due, at most once a round: sales go first."""

    def __init__(self, keys: Keys, seconds: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._seconds = seconds
        self._later: dict[UUID, float] = {}  # when an event that failed is tried again

    async def sweep(self, tx: TenantTx) -> int:
        """Publish and drop what is due in the tenant. What fails holds up no other event."""
        for each in await repository.due(tx.conn, tx.now):
            if each.tenant == tx.tenant and self._later.get(each.event_id, 0.0) <= self._seconds():
                await self._one(tx, each.event_id)
        for each in await repository.over(tx.conn, tx.now):
            if each.tenant == tx.tenant:
                await repository.drop(tx, each.event_id)
        return 0  # the next round is soon enough, whatever came in meanwhile

    async def _one(self, tx: TenantTx, event_id: UUID) -> None:
        began = self._seconds()
        self._later.pop(event_id, None)
        try:
            async with tx.conn.transaction():
                version = await publish(tx, self._keys, event_id)
        except Exception as error:  # noqa: BLE001 - tried again, later
            fault = getattr(error, "code", type(error).__name__)
            LOG.warning("search_list_failed", event_id=str(event_id), fault=fault)
            self._later[event_id] = self._seconds() + AGAIN
            return
        if version is not None:
            took = round(self._seconds() - began, 3)
            LOG.info("search_list", event_id=str(event_id), version=version, seconds=took)
