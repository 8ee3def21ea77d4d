"""What workers do with incidents: merge the events of which something came in, soon and in turn.

Every worker listens, and one at a time merges an event. However much comes in, an event is merged
no more often than its merges take time; the sweep takes what a lost notification has left.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from cloud.db.connect import Connection, Pool, hang_up
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.incidents.merging import merge

LOG = structlog.get_logger("usher.incidents")
CHANNEL: Final = "usher_merges"
PACE: Final = 0.25  # seconds between two merges of an event
SHARE: Final = 1.0  # and this many times as long as the last one took: half of a worker at most
POLL: Final = 5.0  # seconds
DUE: Final[LiteralString] = "SELECT tenant_id, event_ref FROM merges_due()"


class Due(NamedTuple):
    """An event of which something came in."""

    tenant: UUID
    ref: bytes


class Merging:
    """Merges what is due, as part of a worker."""

    def __init__(self, pool: Pool, listen_url: str, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._url = listen_url
        self._clock = clock
        self._next: dict[Due, float] = {}  # when an event may be merged again

    async def run(self, stop: asyncio.Event) -> None:
        """Merge until `stop` is set."""
        woken = asyncio.Event()
        conn = await asyncpg.connect(self._url)
        try:
            await conn.add_listener(CHANNEL, lambda *_: woken.set())
            while not stop.is_set():
                woken.clear()
                waits = await self.merge_due()
                await _first(stop, woken, POLL if waits is None else waits)
                if conn.is_closed():
                    raise ConnectionResetError
        finally:
            await hang_up(conn)

    async def merge_due(self) -> float | None:
        """Merge what may be now; return after how many seconds more may be, None for nothing."""
        async with self._pool.acquire() as conn:
            waiting = set(await due(conn))
        now = time.monotonic()
        self._next = {each: at for each, at in self._next.items() if at > now or each in waiting}
        for each in sorted(waiting):
            if self._next.get(each, 0.0) <= now:
                await self._one(each)
        ahead = [at for each, at in self._next.items() if each in waiting]
        return max(0.01, min(ahead) - time.monotonic()) if ahead else None

    async def _one(self, each: Due) -> None:
        """Merge one event. What fails there holds up no other."""
        began = time.monotonic()
        try:
            async with tenant_tx(
                self._pool, each.tenant, WORKER, self._clock(), suspended_too=True
            ) as tx:
                outcome = await merge(tx, each.ref)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            fault = getattr(error, "code", type(error).__name__)
            LOG.warning("merge_failed", event_ref=each.ref.hex(), fault=fault)
            self._next[each] = time.monotonic() + POLL
            return
        took = time.monotonic() - began
        self._next[each] = time.monotonic() + max(PACE, SHARE * took)
        if outcome is not None:
            LOG.info(
                "merged",
                event_ref=each.ref.hex(),
                records=outcome.records,
                changed=outcome.changed,
                seconds=round(took, 3),
            )


async def due(conn: Connection) -> list[Due]:
    """Return the events of which something came in, of all tenants."""
    return [Due(row["tenant_id"], row["event_ref"]) for row in await conn.fetch(DUE)]


async def tenants(conn: Connection, now: datetime) -> list[UUID]:  # noqa: ARG001 - a sweep's form
    """Return the tenants with events that are to be merged."""
    return sorted({each.tenant for each in await due(conn)})


async def sweep(tx: TenantTx) -> int:
    """Merge one of the tenant's events that are due; return whether there was one."""
    for each in await due(tx.conn):
        if each.tenant == tx.tenant and await merge(tx, each.ref) is not None:
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
