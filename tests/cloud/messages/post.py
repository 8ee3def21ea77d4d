"""Messages of a test's own, and what became of them.

A payload with `n` is no real one: it has no schema in cloud/topics.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.messages.consumer import Consumer, Handler, Message
from cloud.messages.turning import drain, relay
from tests.cloud.database import Database

FLOOD: Final = 20_000


@pytest.fixture
def tenant(database: Database) -> UUID:
    """A tenant of the test's own."""
    return new_tenant(database)


def new_tenant(database: Database) -> UUID:
    """Make a tenant."""
    made = uuid4()
    database.run(
        f"INSERT INTO tenant (tenant_id, slug, name) VALUES ('{made}', 't{made.hex[:12]}', 'T')"
    )
    return made


@asynccontextmanager
async def opened(database: Database, size: int = 4) -> AsyncIterator[Pool]:
    """Lend a pool."""
    pool = await database.pool(size)
    try:
        yield pool
    finally:
        await pool.close()


def later(seconds: float = 0) -> datetime:
    """Return a time soon after now, so that what was published is due."""
    return datetime.now(UTC) + timedelta(seconds=seconds + 1)


async def publish(pool: Pool, tenant: UUID, *messages: tuple[str, str]) -> None:
    """Publish messages as (topic, key), numbered."""
    async with tenant_tx(pool, tenant, WORKER, datetime.now(UTC)) as tx:
        for n, (topic, key) in enumerate(messages):
            await tx.publish(topic, key, n=n)


def flood(database: Database, tenant: UUID, topic: str, keys: int) -> None:
    """Have a tenant publish `FLOOD` messages at once, of so many keys."""
    database.run(
        f"""
        SELECT set_config('app.tenant', '{tenant}', false);
        INSERT INTO outbox (topic, key, payload)
        SELECT '{topic}', n % {keys}, jsonb_build_object('n', n)
          FROM generate_series(0, {FLOOD - 1}) n;
        """
    )


async def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - somebody else's loop tells
            await asyncio.sleep(0.01)


async def dispatch(
    pool: Pool, tenant: UUID, told: Consumer | Sequence[Consumer], now: datetime
) -> int:
    """Relay and handle all that is due of a tenant, and what that leads to; return how many were
    handled."""
    consumers = [told] if isinstance(told, Consumer) else told
    handled = 0
    while True:
        relayed = await relay(pool, tenant, consumers, now)
        taken = sum([await drain(pool, tenant, each, now, 10_000) for each in consumers])
        if not relayed + taken:
            return handled
        handled += taken


def consumer(name: str = "c", /, **handlers: Handler) -> Consumer:
    """Return a consumer of some topics."""
    return Consumer(name, handlers)


async def note(tx: TenantTx, message: Message) -> None:
    """Leave an effect that can be counted."""
    await tx.audit(message.topic, message.key, attempt=message.attempt)


def effects(database: Database, tenant: UUID) -> list[tuple[str, str]]:
    """Return the effects, in order."""
    rows = database.rows(
        "SELECT action, subject FROM audit WHERE tenant_id = $1 ORDER BY audit_id", tenant
    )
    return [(row["action"], row["subject"]) for row in rows]


def states(database: Database, tenant: UUID, name: str = "c") -> list[tuple[Any, ...]]:
    """Return what became of a consumer's messages: topic, attempts, done, dead, fault."""
    rows = database.rows(
        "SELECT topic, attempts, done_at IS NOT NULL AS done, dead_at IS NOT NULL AS dead, fault"
        "  FROM inbox WHERE tenant_id = $1 AND consumer = $2 ORDER BY message_id",
        tenant, name,
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def rows(database: Database, sql: str, *args: object) -> list[Any]:
    """Ask what is really there while a loop runs."""
    return await asyncio.to_thread(database.rows, sql, *args)


def give_up(
    database: Database,
    tenant: UUID,
    number: int,
    topic: str = "order.paid",
    version: int = 1,
    payload: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Have a message of the consumer "orders" dead; return how a person names it."""
    database.rows(
        "INSERT INTO inbox (tenant_id, consumer, message_id, topic, version, key, payload, at,"
        " request_id, trace, attempts, dead_at, fault)"
        " VALUES ($1, 'orders', $2, $3, $4, 'k', $5, now(), '', '', 12, now(), 'KeyError')"
        " RETURNING 1",
        tenant, number, topic, version, json.dumps(dict(payload)),
    )  # fmt: skip
    return f"{number}/orders"
