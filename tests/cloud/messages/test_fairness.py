"""In process: one tenant's flood of 20,000 messages, and another's single one."""

import asyncio
import time
from uuid import UUID

import pytest

from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Message
from cloud.messages.turning import MOST, Dispatch
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import (
    FLOOD,
    consumer,
    flood,
    later,
    new_tenant,
    opened,
    publish,
    until,
)
from tests.cloud.messages.post import tenant as tenant

PROMPT = 10.0  # seconds, on a machine that does much else


@pytest.mark.parametrize("keys", [FLOOD, 1], ids=["of many keys", "of one key"])
def test_a_flood_delays_nobody_elses_message(database: Database, tenant: UUID, keys: int) -> None:
    """It is handled within a few turns of the flood's, while relay and consumer are both busy."""
    other = new_tenant(database)
    had: list[UUID] = []

    async def see(tx: TenantTx, message: Message) -> None:
        had.append(tx.tenant)

    async def run() -> tuple[int, float]:
        stop = asyncio.Event()
        async with opened(database) as pool:
            await asyncio.to_thread(flood, database, tenant, "a", keys)
            told = [consumer("one", a=see), consumer("two", b=see)]
            running = asyncio.create_task(Dispatch(pool, database.app_url, told, later).run(stop))
            await until(lambda: len(had) > MOST)
            before, began = len(had), time.monotonic()
            await publish(pool, other, ("a", "1"))
            await until(lambda: other in had)
            took = time.monotonic() - began
            stop.set()
            await running
        return had.index(other) - before, took

    ahead, took = awaited(run())
    assert ahead <= 10 * MOST
    assert took < PROMPT
    assert len(had) < FLOOD / 2
