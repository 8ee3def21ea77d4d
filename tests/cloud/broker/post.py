"""What the tests run on a broker: services with a credential each, and what they leave.

async with post(rabbit, database, Consumer("orders", {"order.paid": note})) as office:
    await office.publish(tenant, ("order.paid", "order:1"))
    await office.until(lambda: ...)
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from cloud.broker.burying import Burying
from cloud.broker.connection import Address, connected, open_channel
from cloud.broker.consuming import Consuming
from cloud.broker.relay import Relay
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.messages.consumer import Consumer, Message
from tests.cloud.broker.rabbit import Rabbit, User
from tests.cloud.database import Database

PATIENCE: Final = 30.0  # seconds
RETRY: Final = 0.2
# What `TenantTx.publish` writes, with a payload that is the test's own.
PUBLISH: Final[LiteralString] = "INSERT INTO outbox (topic, key, payload) VALUES ($1, $2, $3)"
Part = Callable[[asyncio.Event], Awaitable[None]]


def consumer_user(name: str) -> User:
    """Return what a consumer's service may."""
    own = rf"^usher\.{name}\b"
    return User(f"pw-{name}", own, rf"^usher\.({name}\b|dead$)", own)


DEAD: Final = r"^usher\.(dead|stray)$"
USERS: Final = {
    "root": User("pw-root", ".*", ".*", ".*"),
    "relay": User("pw-relay", r"^usher\.", r"^usher\.", r"^usher\."),
    "orders": consumer_user("orders"),
    "tickets": consumer_user("tickets"),
    "hooks": consumer_user("hooks"),
    "mail": consumer_user("mail"),
    "crowded": consumer_user("crowded"),  # whose queues are small
    "collector": User("pw-collector", DEAD, DEAD, DEAD),
    "nobody": User("pw-nobody", "^$", "^$", "^$"),
}


async def note(tx: TenantTx, message: Message) -> None:
    """Leave an effect that can be counted: twice would be two."""
    await tx.audit(f"done.{message.topic}", message.key, id=message.id, n=message.payload.get("n"))


def address_of(rabbit: Rabbit, user: str, port: int = 0) -> Address:
    """Return the broker's address for a user."""
    papers = rabbit.papers
    return Address(
        rabbit.url(user, port), papers["broker_ca"], papers["broker_cert"], papers["broker_key"]
    )


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def persist(part: Part, stop: asyncio.Event, faults: list[str]) -> None:
    """Run a part again whatever ended it, as a worker does (cloud/working.py)."""
    while not stop.is_set():
        try:
            await part(stop)
        except Exception as error:  # noqa: BLE001 - as there
            faults.append(type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY)


class Office:
    """What a test holds: a pool, and the root's connection to look past row-level security."""

    def __init__(self, pool: Pool, database: Database, root: Any, faults: list[str]) -> None:
        self.pool = pool
        self.database = database
        self.root = root
        self.faults = faults  # of the parts, by the exception's type

    async def publish(self, tenant: UUID, *messages: tuple[str, str]) -> None:
        """Commit messages as (topic, key), numbered in their payload."""
        async with tenant_tx(self.pool, tenant, WORKER, now()) as tx:
            rows = [(topic, key, {"n": n}) for n, (topic, key) in enumerate(messages)]
            await tx.conn.executemany(PUBLISH, rows)

    async def effects(self, tenant: UUID) -> list[tuple[str, str, int]]:
        """Return the effects as (action, subject, n), in order."""
        rows = await self.root.fetch(
            "SELECT action, subject, (detail->>'n')::int AS n FROM audit"
            " WHERE tenant_id = $1 AND action LIKE 'done.%' ORDER BY audit_id", tenant,
        )  # fmt: skip
        return [tuple(row) for row in rows]

    async def undone(self, tenant: UUID) -> list[tuple[str, int, str]]:
        """Return what the outbox still holds, as (topic, attempts, fault)."""
        rows = await self.root.fetch(
            "SELECT topic, attempts, fault FROM outbox WHERE tenant_id = $1 AND done_at IS NULL"
            " ORDER BY message_id", tenant,
        )  # fmt: skip
        return [tuple(row) for row in rows]

    async def dead(self, tenant: UUID) -> list[tuple[str, str, str]]:
        """Return what is dead in inboxes, as (consumer, key, fault)."""
        rows = await self.root.fetch(
            "SELECT consumer, key, fault FROM inbox"
            " WHERE tenant_id = $1 AND dead_at IS NOT NULL ORDER BY message_id", tenant,
        )  # fmt: skip
        return [tuple(row) for row in rows]

    async def until(self, true: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
        """Wait until something is so."""
        end = time.monotonic() + patience
        while not await true():
            assert time.monotonic() < end, f"not within {patience} s; faults: {self.faults[-5:]}"
            await asyncio.sleep(0.05)


def parts_of(
    rabbit: Rabbit, pool: Pool, database: Database, consumers: Sequence[Consumer], port: int = 0
) -> list[Part]:
    """Return a relay, a service for each consumer, and the collector."""
    url = database.app_url
    return [
        Relay(address_of(rabbit, "relay", port), pool, url, consumers, now).run,
        *(
            Consuming(address_of(rabbit, each.name, port), pool, url, [each], now).run
            for each in consumers
        ),
        Burying(address_of(rabbit, "collector", port), pool, consumers, now).run,
    ]


@asynccontextmanager
async def post(
    rabbit: Rabbit, database: Database, *consumers: Consumer, port: int = 0
) -> AsyncIterator[Office]:
    """Run all services of `consumers` beside the test."""
    async with office(database) as made:
        parts = parts_of(rabbit, made.pool, database, consumers, port)
        async with running(made, *parts):
            yield made


@asynccontextmanager
async def office(database: Database) -> AsyncIterator[Office]:
    """Lend what a test holds, with nothing running."""
    pool, root = await database.pool(12), await asyncpg.connect(database.root_url)
    try:
        yield Office(pool, database, root, [])
    finally:
        await root.close()
        await pool.close()


@asynccontextmanager
async def running(made: Office, *parts: Part) -> AsyncIterator[None]:
    """Run parts beside the test, and stop them at its end."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(persist(each, stop, made.faults)) for each in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)


@asynccontextmanager
async def channel(rabbit: Rabbit, user: str = "root") -> AsyncIterator[Any]:
    """Lend a channel to the broker, for what no service of ours does."""
    async with connected(address_of(rabbit, user), "test") as connection:
        yield await open_channel(connection)
