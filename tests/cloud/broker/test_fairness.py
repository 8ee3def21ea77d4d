"""By way of the broker: one tenant's flood of 20,000 messages, and another's single one."""

import asyncio
import time
from uuid import UUID

from cloud.broker.relay import BATCH
from cloud.broker.turns import Turns
from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Consumer, Message
from tests.cloud.broker.post import post
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import FLOOD, flood, until

PAID = "order.paid"
PROMPT = 10.0  # seconds, on a machine that does much else


def test_a_flood_delays_nobody_elses_message(
    rabbit: Rabbit, database: Database, tenant: UUID, other: UUID
) -> None:
    """While the flood is relayed and handled, the other's is handled within a few batches."""
    had: list[UUID] = []

    async def see(tx: TenantTx, message: Message) -> None:
        had.append(tx.tenant)
        await asyncio.sleep(0.005)

    async def run() -> tuple[int, float]:
        async with post(rabbit, database, Consumer("orders", {PAID: see})) as office:
            await asyncio.to_thread(flood, database, tenant, PAID, FLOOD)
            await until(lambda: len(had) > BATCH)
            before, began = len(had), time.monotonic()
            await office.publish(other, (PAID, "order:1"))
            await until(lambda: other in had)
            took = time.monotonic() - began
            assert len(await office.undone(tenant)) > FLOOD / 2  # it was still being relayed
        return had.index(other) - before, took

    ahead, took = awaited(run())
    assert ahead <= 4 * BATCH
    assert took < PROMPT


def test_tenants_have_their_turns(tenant: UUID, other: UUID) -> None:
    """Of two places each is given on to the tenant that has waited, and to none that went away."""
    order: list[str] = []

    async def take(turns: Turns, whose: UUID, name: str) -> None:
        async with turns.of(whose):
            order.append(name)
            await asyncio.sleep(0)

    async def run() -> None:
        turns = Turns(2)
        flood = [asyncio.create_task(take(turns, tenant, f"flood {n}")) for n in range(6)]
        gone = asyncio.create_task(take(turns, other, "gone"))
        one = asyncio.create_task(take(turns, other, "one"))
        await asyncio.sleep(0)
        gone.cancel()
        flood[2].cancel()
        await asyncio.gather(*flood, gone, one, return_exceptions=True)
        async with turns.of(tenant), turns.of(other):  # no place was lost
            order.append("end")

    awaited(run())
    assert order == ["flood 0", "flood 1", "flood 3", "one", "flood 4", "flood 5", "end"]
