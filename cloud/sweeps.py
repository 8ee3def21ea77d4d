"""What is due by itself, tenant by tenant, at its own pace: lapsed holds, events that are over.

A sweep is told which tenants have something due, and nothing else of them; its function then
does the work inside one tenant's transaction and returns how much it did. One that did
something is asked again at once, so that it may work in small transactions.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import structlog

from cloud.db.connect import LENT, Connection, Pool
from cloud.db.outbox import forget
from cloud.db.tenancy import WORKER, PlatformTx, TenantTx, platform_tx, tenant_tx

LOG = structlog.get_logger("usher.sweeps")
ROUNDS: Final = 1000  # of one sweep in one tenant, before the others have their turn
EVERY_TENANT: Final[LiteralString] = (
    "SELECT tenant_id FROM tenant WHERE $1::timestamptz IS NOT NULL"
)


Tenants = Callable[[Connection, datetime], Awaitable[list[UUID]]]


class Sweep(NamedTuple):
    """`every`: seconds between two rounds."""

    name: str
    every: int
    tenants: LiteralString | Tenants  # a query: SELECT … AS tenant_id; $1 is now
    run: Callable[[TenantTx], Awaitable[int]]


class PlatformSweep(NamedTuple):
    """The same outside every tenant."""

    name: str
    every: int
    run: Callable[[PlatformTx], Awaitable[int]]


async def sweep(pool: Pool, each: Sweep, clock: Callable[[], datetime]) -> int:
    """Do what is due in every tenant; return how much that was."""
    async with pool.acquire(timeout=LENT) as conn:
        tenants = await _due(conn, each.tenants, clock())
    return sum([await _one(pool, each, tenant, clock) for tenant in tenants])


async def sweep_platform(pool: Pool, each: PlatformSweep, clock: Callable[[], datetime]) -> int:
    """Do what is due outside every tenant."""
    async with platform_tx(pool, WORKER, clock()) as tx:
        return await each.run(tx)


async def _due(conn: Connection, tenants: LiteralString | Tenants, now: datetime) -> list[UUID]:
    if isinstance(tenants, str):
        return [row["tenant_id"] for row in await conn.fetch(tenants, now)]
    return await tenants(conn, now)


async def _one(pool: Pool, each: Sweep, tenant: UUID, clock: Callable[[], datetime]) -> int:
    """Sweep one tenant. What fails there holds up no other tenant."""
    total = 0
    try:
        for _ in range(ROUNDS):
            async with tenant_tx(pool, tenant, WORKER, clock(), suspended_too=True) as tx:
                done = await each.run(tx)
            total += done
            if not done:
                break
    except Exception as error:  # noqa: BLE001 - the next round tries again
        fault = getattr(error, "code", type(error).__name__)
        LOG.warning("sweep_failed", sweep=each.name, tenant=str(tenant), fault=fault)
    if total:
        LOG.info("swept", sweep=each.name, tenant=str(tenant), done=total)
    return total


FORGET_ANSWERS: Final[LiteralString] = """
    DELETE FROM idempotency WHERE tenant_id = current_tenant() AND created_at < $1::timestamptz
        - interval '24 hours'
"""
FORGET_PLATFORM_ANSWERS: Final[LiteralString] = """
    DELETE FROM platform_idempotency WHERE created_at < $1::timestamptz - interval '24 hours'
"""


async def forget_old(tx: TenantTx) -> int:
    """Drop answers to idempotency keys after a day, and messages long done."""
    await tx.conn.execute(FORGET_ANSWERS, tx.now)
    await forget(tx)
    return 0


async def forget_platform(tx: PlatformTx) -> int:
    """Drop old answers outside every tenant."""
    await tx.conn.execute(FORGET_PLATFORM_ANSWERS, tx.now)
    return 0


OWN: Final = (Sweep("forget", 3600, EVERY_TENANT, forget_old),)
OWN_PLATFORM: Final = (PlatformSweep("forget_platform", 3600, forget_platform),)
