"""What workers do with manifests: publish what changed, at once and at a bounded pace.

Every worker listens; an event's row lets one at a time publish it. The sweep takes what a lost
notification or a stopped worker has left.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from cloud.db.connect import Connection, Pool, hang_up
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.keys.keyring import Keyring
from cloud.manifests import repository
from cloud.manifests.model import Due
from cloud.manifests.publisher import publish

LOG = structlog.get_logger("usher.manifests")
CHANNEL: Final = "usher_manifests"
PACE: Final = 0.15  # seconds between two publications of an event
SHARE: Final = 3.0  # and this many times as long as the last one took: sales go first
POLL: Final = 5.0  # seconds


class Publishing:
    """Publishes what is due, as part of a worker."""

    def __init__(
        self, pool: Pool, listen_url: str, keyring: Keyring, clock: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._url = listen_url
        self._keyring = keyring
        self._clock = clock
        self._next: dict[UUID, float] = {}  # when an event may be published again

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set."""
        woken = asyncio.Event()
        conn = await asyncpg.connect(self._url)
        try:
            await conn.add_listener(CHANNEL, lambda *_: woken.set())
            while not stop.is_set():
                woken.clear()
                waits = await self.publish_due()
                await _first(stop, woken, POLL if waits is None else waits)
                if conn.is_closed():
                    raise ConnectionResetError
        finally:
            await hang_up(conn)

    async def publish_due(self) -> float | None:
        """Publish what may be now; return after how many seconds more may be, None for nothing."""
        async with self._pool.acquire() as conn:
            due = await repository.due(conn, self._clock())
        now = time.monotonic()
        waiting = {each.event_id for each in due}
        self._next = {e: at for e, at in self._next.items() if at > now or e in waiting}
        for each in due:
            if self._next.get(each.event_id, 0.0) <= now:
                await self._one(each)
        ahead = [at for e, at in self._next.items() if e in waiting]
        return max(0.01, min(ahead) - time.monotonic()) if ahead else None

    async def _one(self, each: Due) -> None:
        """Publish one event. What fails there holds up no other."""
        began = time.monotonic()
        try:
            async with tenant_tx(
                self._pool, each.tenant, WORKER, self._clock(), suspended_too=True
            ) as tx:
                version = await publish(tx, self._keyring, each.event_id)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            fault = getattr(error, "code", type(error).__name__)
            LOG.warning("publication_failed", event_id=str(each.event_id), fault=fault)
            self._next[each.event_id] = time.monotonic() + POLL
            return
        took = time.monotonic() - began
        self._next[each.event_id] = time.monotonic() + max(PACE, SHARE * took)
        if version is not None:
            LOG.info(
                "published", event_id=str(each.event_id), version=version, seconds=round(took, 3)
            )


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with manifests that are due."""
    return sorted({each.tenant for each in await repository.due(conn, now)})


async def sweep(tx: TenantTx, keyring: Keyring) -> int:
    """Publish one of the tenant's manifests that are due; return whether there was one."""
    for each in await repository.due(tx.conn, tx.now):
        if each.tenant == tx.tenant and await publish(tx, keyring, each.event_id) is not None:
            return 1
    return 0


async def _first(stop: asyncio.Event, woken: asyncio.Event, most: float) -> None:
    """Wait for `PACE`, then for news, `most` seconds in all; no longer than for `stop`."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), min(PACE, most))
    if most > PACE and not stop.is_set():
        waits = {asyncio.ensure_future(each.wait()) for each in (stop, woken)}
        _, rest = await asyncio.wait(
            waits, timeout=most - PACE, return_when=asyncio.FIRST_COMPLETED
        )
        for each in rest:
            each.cancel()
