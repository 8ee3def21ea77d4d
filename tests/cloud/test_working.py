"""The worker, on a real database: it is woken, one leads, and no tenant's fault stops it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID, uuid4

import pytest
from apscheduler.schedulers import base

import cloud.working
from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Consumer, Message
from cloud.sweeps import EVERY_TENANT, Sweep
from cloud.working import Worker
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import opened, publish
from tests.cloud.messages.post import tenant as tenant


async def until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not told():  # noqa: ASYNC110 - somebody else's loop tells
            await asyncio.sleep(0.05)


def test_a_worker_is_woken_and_one_leads(database: Database, tenant: UUID) -> None:
    """Two workers: a message is handled long before the next poll, a sweep runs in one of them,
    and in the other once the first is gone."""
    swept: list[str] = []

    def sweep_of(name: str) -> Sweep:
        async def run(tx: TenantTx) -> int:
            swept.append(name)
            return 0

        return Sweep(f"sweep {name}", 1, EVERY_TENANT, run)

    async def run() -> None:
        handled: list[str] = []

        async def handle(tx: TenantTx, message: Message) -> None:
            handled.append(message.key)

        async with opened(database, 8) as pool:
            workers = {
                name: Worker(
                    pool, database.app_url, [Consumer("c", {"a": handle})], [sweep_of(name)]
                )
                for name in ("one", "two")
            }
            tasks = {name: asyncio.create_task(each.run()) for name, each in workers.items()}
            await until(lambda: bool(swept))
            leader = swept[0]
            await publish(pool, tenant, ("a", "1"))
            await until(lambda: handled == ["1"])
            assert set(swept) == {leader}
            workers[leader].stop()
            await tasks[leader]
            swept.clear()
            other = "two" if leader == "one" else "one"
            await until(lambda: bool(swept))
            assert set(swept) == {other}
            workers[other].stop()
            await tasks[other]

    awaited(run())


def test_sweeps_go_on_when_the_wall_clock_is_set_back(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a day: they would rest for a day."""
    ahead, real = 0.0, time.time

    class Wall(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Wall":
            return super().now(tz) + timedelta(seconds=ahead)

    monkeypatch.setattr(base, "datetime", Wall)
    monkeypatch.setattr(cloud.working, "utc_now", lambda: Wall.now(UTC))
    monkeypatch.setattr(cloud.working, "POLL", 0.05)
    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    swept: list[UUID] = []

    async def sweep_one(tx: TenantTx) -> int:
        swept.append(tx.tenant)
        return 0

    async def run() -> None:
        nonlocal ahead
        async with opened(database) as pool:
            worker = Worker(pool, database.app_url, [], [Sweep("s", 1, EVERY_TENANT, sweep_one)])
            task = asyncio.create_task(worker.run())
            await until(lambda: swept.count(tenant) == 2)
            ahead = -86_400.0
            await until(lambda: swept.count(tenant) == 4)
            worker.stop()
            await task

    awaited(run())


def test_one_tenants_failing_sweep_holds_up_no_other(database: Database, tenant: UUID) -> None:
    """The others are swept all the same."""
    from cloud.sweeps import sweep

    seen: list[UUID] = []

    async def run_one(tx: TenantTx) -> int:
        seen.append(tx.tenant)
        if tx.tenant != tenant:
            raise ValueError("no")
        return 0

    async def run() -> None:
        async with opened(database) as pool:
            await sweep(pool, Sweep("s", 1, EVERY_TENANT, run_one), lambda: datetime.now(UTC))

    database.run(
        "INSERT INTO tenant (tenant_id, slug, name)"
        f" VALUES ('{uuid4()}', 't{uuid4().hex[:9]}', 'O')"
    )
    awaited(run())
    assert tenant in seen
    assert len(seen) >= 2
