"""What workers do with incidents: merge the events of which something came in, soon and in turn.

However much comes in, an event is merged no more often than its merges take time.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import structlog

from cloud.db.connect import LENT, Connection, Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.incidents.kept import Kept
from cloud.incidents.merging import merge
from cloud.pacing import Paced

LOG = structlog.get_logger("usher.incidents")
CHANNEL: Final = "usher_merges"
PACE: Final = 0.25  # seconds between two merges of an event
SHARE: Final = 1.0  # and this many times as long as the last one took: half of a worker at most
DUE: Final[LiteralString] = "SELECT tenant_id, event_ref FROM merges_due()"


class Due(NamedTuple):
    """An event of which something came in."""

    tenant: UUID
    ref: bytes


class Merging(Paced[Due]):
    """Merges what is due, as part of a worker."""

    def __init__(self, pool: Pool, listen_url: str, clock: Callable[[], datetime]) -> None:
        super().__init__(listen_url, CHANNEL, self._events, self._merge, pace=PACE, share=SHARE)
        self._pool = pool
        self._clock = clock
        self._kept = Kept()

    async def _events(self) -> list[Due]:
        async with self._pool.acquire(timeout=LENT) as conn:
            return await due(conn)

    async def _merge(self, each: Due) -> bool:
        """Merge one event. What fails there holds up no other."""
        began = time.monotonic()
        try:
            async with tenant_tx(
                self._pool, each.tenant, WORKER, self._clock(), suspended_too=True
            ) as tx:
                outcome = await merge(tx, each.ref, self._kept)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            fault = getattr(error, "code", type(error).__name__)
            LOG.warning("merge_failed", event_ref=each.ref.hex(), fault=fault)
            return False
        if outcome is not None:
            LOG.info(
                "merged",
                event_ref=each.ref.hex(),
                records=outcome.records,
                changed=outcome.changed,
                seconds=round(time.monotonic() - began, 3),
            )
        return True


async def due(conn: Connection) -> list[Due]:
    """Return the events of which something came in, of all tenants."""
    return [Due(row["tenant_id"], row["event_ref"]) for row in await conn.fetch(DUE)]


async def tenants(conn: Connection, now: datetime) -> list[UUID]:  # noqa: ARG001 - a sweep's form
    """Return the tenants with events that are to be merged."""
    return sorted({each.tenant for each in await due(conn)})


async def sweep(tx: TenantTx) -> int:
    """Merge one of the tenant's events that are due; return whether there was one."""
    for each in await due(tx.conn):
        if each.tenant == tx.tenant and await merge(tx, each.ref, Kept()) is not None:
            return 1
    return 0
