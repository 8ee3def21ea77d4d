"""From the outbox to RabbitMQ: read, published to a quorum queue, confirmed, and marked done.

A relay of our own (cloud/broker) on Debian's RabbitMQ, which flushes to the disk before it
confirms, and PostgreSQL, which does before it answers. Four tenants share the messages, each
with a key of its own. Beside it, on the same connection: the same bytes alone, with confirms.

Then without a broker: messages relayed and handled in process, one after the other, each with an
effect of one row; less what the same effects cost in transactions of their own.

    python -m benchmarks.broker
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, LiteralString
from uuid import UUID, uuid4

import msgspec

from benchmarks.report import Row
from cloud.broker import pending, topology
from cloud.broker.connection import Address, connected, open_channel
from cloud.broker.publishing import Publisher
from cloud.broker.relay import BATCH, Relay
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.embedded.postgres import Postgres
from cloud.messages.consumer import Consumer, Message
from cloud.messages.turning import Dispatch
from cloud.telemetry import configure_logs
from tests.cloud.broker.post import USERS, address_of
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database, copy_template, make_template

MESSAGES: Final = 20_000
TENANTS: Final = 4
ALONE: Final = 500  # messages of a tenant, in process
TOPIC: Final = "order.paid"
FILL: Final[LiteralString] = """
    INSERT INTO outbox (topic, key, payload, request_id)
    SELECT $1, 'order:' || n, jsonb_build_object('order_id', gen_random_uuid(),
           'event_id', gen_random_uuid(), 'account_id', gen_random_uuid()), md5(n::text)
      FROM generate_series(1, $2::int) n
"""
LEFT: Final = "SELECT count(*) AS left FROM outbox WHERE done_at IS NULL"
TENANT: Final = "INSERT INTO tenant (tenant_id, slug, name) VALUES ('{0}', 't{1}', 'T')"


async def nothing(tx: TenantTx, message: Message) -> None:
    """Handle nothing: the queue is measured, and not who reads it."""


async def one_row(tx: TenantTx, message: Message) -> None:
    """Leave the smallest effect that there is."""
    await tx.audit("bench", message.key)


CONSUMER: Final = Consumer("orders", {TOPIC: nothing})
WRITER: Final = Consumer("orders", {TOPIC: one_row})


def rows_of(rabbit: Rabbit, database: Database, messages: int = MESSAGES) -> list[Row]:
    """Relay so many messages."""
    tenants = [uuid4() for _ in range(TENANTS)]
    for each in tenants:
        database.run(TENANT.format(each, each.hex[:12]))
    bench = Bench(address_of(rabbit, "relay"), database, tenants, messages // TENANTS)
    rate, bare, parts = asyncio.run(bench.run())
    (left,) = database.rows(LEFT)
    if left["left"]:
        raise SystemExit(f"{left['left']} messages are still in the outbox")
    adds, whole = asyncio.run(bench.in_process())
    return [
        Row("in-process dispatch adds to an effect's own transaction", adds, "ms", 1, "at most",
            f"{whole:.2f} ms a message in all, one after the other, relayed, handled and marked"),
        Row("outbox to broker, confirmed and marked done", rate, "/s", 2500, "at least",
            f"{bare:,.0f}/s published and confirmed alone; {parts}"),
    ]  # fmt: skip


class Bench:
    """One run: `each` messages of every tenant."""

    def __init__(
        self, where: Address, database: Database, tenants: Sequence[UUID], each: int
    ) -> None:
        self._where = where
        self._database = database
        self._tenants = tenants
        self._each = each

    async def run(self) -> tuple[float, float, str]:
        """Return messages a second, those without a database, and where a message's time goes."""
        pool = await self._database.pool()
        try:
            async with connected(self._where, "benchmark") as connection:
                channel = await open_channel(connection)
                await topology.declare_dead(channel)
                publisher = Publisher(channel, [CONSUMER])
                await self._fill(pool, BATCH)
                relay = Relay(self._where, pool, self._database.app_url, [CONSUMER], _now)
                await self._relayed(relay, publisher)  # queues are made, and all is warm
                parts, bare = await self._parts(pool, publisher)
                await self._fill(pool, self._each)
                seconds = await _seconds(lambda: self._relayed(relay, publisher))
                return self._each * len(self._tenants) / seconds, bare, parts
        finally:
            await pool.close()

    async def in_process(self) -> tuple[float, float]:
        """Return what dispatching adds to a message's effect, and both together, in ms."""
        many = min(self._each, ALONE)
        pool = await self._database.pool()
        dispatch = Dispatch(pool, self._database.app_url, [WRITER], _now)
        try:
            await self._fill(pool, many)
            await dispatch.all()  # all is warm
            await self._fill(pool, many)
            whole = await _seconds(dispatch.all)
            bare = await _seconds(partial(self._bare, pool, many))
        finally:
            await pool.close()
        each = 1000 / (many * len(self._tenants))
        return (whole - bare) * each, whole * each

    async def _bare(self, pool: Pool, many: int) -> None:
        for tenant in self._tenants:
            for n in range(many):
                async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
                    await tx.audit("bench", f"order:{n}")

    async def _fill(self, pool: Pool, many: int) -> None:
        for tenant in self._tenants:
            async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
                await tx.conn.execute(FILL, TOPIC, many)

    async def _relayed(self, relay: Relay, publisher: Publisher) -> None:
        while await relay.turn(publisher):
            pass

    async def _parts(self, pool: Pool, publisher: Publisher) -> tuple[str, float]:
        """Take the steps of a batch one by one, a few times; return what each costs a message."""
        steps = {"read": 0.0, "published": 0.0, "marked": 0.0}
        many = 0
        for tenant in self._tenants:
            await self._fill(pool, BATCH)
            async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
                began = time.perf_counter()
                messages = await pending.oldest(tx, BATCH)
                steps["read"] += time.perf_counter() - began
            began = time.perf_counter()
            published = await publisher.publish(tenant, messages)
            steps["published"] += time.perf_counter() - began
            began = time.perf_counter()
            async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
                await pending.settle(tx, published.confirmed, published.faults)
            steps["marked"] += time.perf_counter() - began
            many += len(messages)
        told = ", ".join(f"{name} {1e6 * took / many:,.0f} µs" for name, took in steps.items())
        return f"a message alone: {told}", many / steps["published"]


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """Run on servers of our own."""
    configure_logs("ERROR")
    with (
        tempfile.TemporaryDirectory(prefix="usher-") as name,
        Postgres(Path(name) / "postgres").running() as postgres,
    ):
        folder = Path(name) / "rabbit"
        folder.mkdir()
        with Rabbit(folder, USERS).running() as rabbit:
            make_template(postgres.superuser_url)
            rows = rows_of(rabbit, copy_template(postgres.superuser_url))
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
