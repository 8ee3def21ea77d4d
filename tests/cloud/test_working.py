"""The outbox and the worker, on a real database: each message has its effect once, in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from cloud.db.connect import Pool
from cloud.db.outbox import MAX_ATTEMPTS, Handlers, Message, dispatch
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.errors import Refusal
from cloud.sweeps import EVERY_TENANT, Sweep
from cloud.working import Worker
from tests.cloud.database import Database, awaited

Effect = Callable[[TenantTx, Message], Awaitable[None]]


@pytest.fixture
def tenant(database: Database) -> UUID:
    """A tenant of the test's own."""
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


async def publish(pool: Pool, tenant: UUID, *messages: tuple[str, str]) -> None:
    """Publish messages as (topic, key)."""
    async with tenant_tx(pool, tenant, WORKER, datetime.now(UTC)) as tx:
        for topic, key in messages:
            await tx.publish(topic, key, n=1)


async def note(tx: TenantTx, message: Message) -> None:
    """Leave an effect that can be counted."""
    await tx.audit(message.topic, message.key, attempt=message.attempt)


def effects(database: Database, tenant: UUID) -> list[tuple[str, str]]:
    """Return the effects, in order."""
    rows = database.rows(
        "SELECT action, subject FROM audit WHERE tenant_id = $1 ORDER BY audit_id", tenant
    )
    return [(row["action"], row["subject"]) for row in rows]


def states(database: Database, tenant: UUID) -> list[tuple[str, int, bool, bool, str]]:
    """Return what became of the messages."""
    rows = database.rows(
        "SELECT topic, attempts, done_at IS NOT NULL AS done, dead_at IS NOT NULL AS dead, fault"
        "  FROM outbox WHERE tenant_id = $1 ORDER BY message_id",
        tenant,
    )
    return [tuple(row) for row in rows]


def later(seconds: float = 0) -> datetime:
    """Return a time soon after now, so that what was published is due."""
    return datetime.now(UTC) + timedelta(seconds=seconds + 1)


def test_messages_are_handled_in_order_and_done(database: Database, tenant: UUID) -> None:
    """Both topics, and one that nobody asked for."""

    async def run() -> int:
        async with opened(database) as pool:
            await publish(pool, tenant, ("a", "1"), ("b", "1"), ("nobody", "1"), ("a", "2"))
            return await dispatch(pool, tenant, {"a": note, "b": note}, later())

    assert awaited(run()) == 4
    assert effects(database, tenant) == [("a", "1"), ("b", "1"), ("a", "2")]
    assert {state[2] for state in states(database, tenant)} == {True}


def test_a_failure_leaves_no_effect_and_is_tried_again(database: Database, tenant: UUID) -> None:
    """What the handler wrote before it failed is gone; the second attempt is told that it is."""

    async def fails_once(tx: TenantTx, message: Message) -> None:
        await note(tx, message)
        if message.attempt == 1:
            raise Refusal("conflict")

    async def run() -> None:
        async with opened(database) as pool:
            await publish(pool, tenant, ("a", "1"))
            await dispatch(pool, tenant, {"a": fails_once}, later())
            assert effects(database_now, tenant) == []
            await dispatch(pool, tenant, {"a": fails_once}, later())  # not due yet
            await dispatch(pool, tenant, {"a": fails_once}, later(60))

    database_now = _Threaded(database)
    awaited(run())
    assert effects(database, tenant) == [("a", "1")]
    assert states(database, tenant) == [("a", 2, True, False, "conflict")]


class _Threaded(Database):
    """A database that can be looked at while a loop runs."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.superuser, database.name)

    def rows(self, sql: str, *args: object) -> list[object]:
        """Ask in a thread, which may have a loop of its own."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(super().rows, sql, *args).result()


def test_one_key_waits_for_its_own_and_no_other(database: Database, tenant: UUID) -> None:
    """While the first message of a key fails, its second waits; other keys go on."""

    async def first_fails(tx: TenantTx, message: Message) -> None:
        if message.topic == "bad":
            raise ValueError("no")
        await note(tx, message)

    handlers: Handlers = {"bad": first_fails, "a": first_fails}

    async def run() -> None:
        async with opened(database) as pool:
            await publish(pool, tenant, ("bad", "1"), ("a", "1"), ("a", "2"))
            await dispatch(pool, tenant, handlers, later())

    awaited(run())
    assert effects(database, tenant) == [("a", "2")]


def test_what_never_succeeds_is_given_up_and_lets_its_followers_pass(
    database: Database, tenant: UUID
) -> None:
    """Dead with its fault; by name of the error alone."""

    async def never(tx: TenantTx, message: Message) -> None:
        raise ZeroDivisionError("ada@example.org")

    async def run() -> None:
        async with opened(database) as pool:
            await publish(pool, tenant, ("bad", "1"), ("a", "1"))
            for attempt in range(MAX_ATTEMPTS + 1):
                await dispatch(pool, tenant, {"bad": never, "a": note}, later(attempt * 4000))

    awaited(run())
    assert states(database, tenant)[0] == ("bad", MAX_ATTEMPTS, False, True, "ZeroDivisionError")
    assert effects(database, tenant) == [("a", "1")]


def test_two_workers_take_each_message_once(database: Database, tenant: UUID) -> None:
    """And never two of one key at a time."""
    running: dict[str, int] = {}

    async def slow(tx: TenantTx, message: Message) -> None:
        running[message.key] = running.get(message.key, 0) + 1
        assert running[message.key] == 1
        await asyncio.sleep(0.01)
        running[message.key] -= 1
        await note(tx, message)

    async def run() -> None:
        async with opened(database, 8) as pool:
            await publish(pool, tenant, *((f"t{n}", str(n % 3)) for n in range(30)))
            handlers = {f"t{n}": slow for n in range(30)}
            for _ in range(4):  # one that finds every key taken comes back
                await asyncio.gather(*(dispatch(pool, tenant, handlers, later()) for _ in range(4)))

    awaited(run())
    found = effects(database, tenant)
    assert len(found) == len(set(found)) == 30
    for key in "012":
        topics = [int(topic[1:]) for topic, subject in found if subject == key]
        assert topics == sorted(topics)


def test_a_worker_is_woken_and_one_leads(database: Database, tenant: UUID) -> None:
    """Two workers: a message is handled long before the next poll, a sweep runs in one of them,
    and in the other once the first is gone."""
    swept: list[str] = []

    def sweep_of(name: str) -> Sweep:
        async def run(tx: TenantTx) -> int:
            swept.append(name)
            return 0

        return Sweep(f"sweep {name}", 1, EVERY_TENANT, run)

    async def until(told: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not told():  # noqa: ASYNC110 - somebody else's loop tells
                await asyncio.sleep(0.05)

    async def run() -> None:
        handled: list[str] = []

        async def handle(tx: TenantTx, message: Message) -> None:
            handled.append(message.key)

        async with opened(database, 8) as pool:
            workers = {
                name: Worker(pool, database.app_url, {"a": handle}, [sweep_of(name)])
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
