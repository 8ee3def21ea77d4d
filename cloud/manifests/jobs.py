"""What workers do with manifests: publish what changed, at once and at a bounded pace."""

import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from cloud.db.connect import LENT, Connection, Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.keys.keyring import Keyring
from cloud.manifests import repository
from cloud.manifests.making import Nonces
from cloud.manifests.model import Due
from cloud.manifests.publisher import publish
from cloud.pacing import Paced

LOG = structlog.get_logger("usher.manifests")
CHANNEL: Final = "usher_manifests"
PACE: Final = 0.15  # seconds between two publications of an event
SHARE: Final = 3.0  # and this many times as long as the last one took: sales go first


def publishing(
    pool: Pool, listen_url: str, keyring: Keyring, clock: Callable[[], datetime]
) -> Paced[Due]:
    """Return what publishes due manifests, as part of a worker."""
    nonces = Nonces(os.urandom)

    async def due() -> list[Due]:
        async with pool.acquire(timeout=LENT) as conn:
            return await repository.due(conn, clock())

    async def one(each: Due) -> bool:
        """Publish one event. What fails there holds up no other."""
        began = time.monotonic()
        try:
            async with tenant_tx(pool, each.tenant, WORKER, clock(), suspended_too=True) as tx:
                version = await publish(tx, keyring, each.event_id, nonces)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            fault = getattr(error, "code", type(error).__name__)
            LOG.warning("publication_failed", event_id=str(each.event_id), fault=fault)
            return False
        if version is not None:
            took = round(time.monotonic() - began, 3)
            LOG.info("published", event_id=str(each.event_id), version=version, seconds=took)
        return True

    return Paced(listen_url, CHANNEL, due, one, pace=PACE, share=SHARE)


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with manifests that are due."""
    return sorted({each.tenant for each in await repository.due(conn, now)})


async def sweep(tx: TenantTx, keyring: Keyring) -> int:
    """Publish one of the tenant's manifests that are due; return whether there was one."""
    for each in await repository.due(tx.conn, tx.now):
        if each.tenant != tx.tenant:
            continue
        if await publish(tx, keyring, each.event_id, Nonces(os.urandom)) is not None:
            return 1
    return 0
