"""What a transport brings: once in effect, kept when it can't be handled, never out of order."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.errors import Refusal
from cloud.messages import arrivals, inbox
from cloud.messages.consumer import Consumer, Message
from cloud.messages.inbox import Behind, bury, consume, failed, take
from cloud.messages.turning import relay
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import (
    consumer,
    dispatch,
    effects,
    later,
    note,
    opened,
    publish,
    states,
)
from tests.cloud.messages.post import tenant as tenant

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Message(7, "a", 1, "k", {"n": 0}, NOW, "r", "", 1)


def run(database: Database, act: Callable[[Pool], Awaitable[object]]) -> object:
    """Do something on a pool."""

    async def whole() -> object:
        async with opened(database) as pool:
            return await act(pool)

    return awaited(whole())


def test_what_comes_twice_has_one_effect(database: Database, tenant: UUID) -> None:
    """One after the other, and many at once."""

    async def act(pool: Pool) -> list[bool]:
        told = consumer(a=note)
        at_once = [consume(pool, tenant, told, FIRST, later()) for _ in range(8)]
        return [*await asyncio.gather(*at_once), await consume(pool, tenant, told, FIRST, later())]

    assert sorted(run(database, act)) == [False] * 8 + [True]  # type: ignore[call-overload]
    assert effects(database, tenant) == [("a", "k")]
    assert states(database, tenant) == [("a", 1, True, False, "")]


def test_two_consumers_each_have_their_effect(database: Database, tenant: UUID) -> None:
    """The message's number is no other consumer's."""

    async def act(pool: Pool) -> list[bool]:
        return [
            await consume(pool, tenant, consumer(name, a=note), FIRST, later())
            for name in ("one", "two", "one")
        ]

    assert run(database, act) == [True, True, False]
    assert effects(database, tenant) == [("a", "k")] * 2


def test_a_failure_is_raised_noted_and_handled_when_it_comes_again(
    database: Database, tenant: UUID
) -> None:
    """Nothing of the first is left but its fault; nobody here hands it out meanwhile."""

    async def fails_once(tx: TenantTx, message: Message) -> None:
        await note(tx, message)
        if message.attempt == 1:
            raise Refusal("conflict")

    told = consumer(a=fails_once)

    async def first(pool: Pool) -> int:
        with pytest.raises(Refusal) as error:
            await consume(pool, tenant, told, FIRST, later())
        await failed(pool, tenant, told, FIRST, error.value, later())
        return await take(pool, tenant, told, later(10**6))

    async def again(pool: Pool) -> bool:
        second = msgspec.structs.replace(FIRST, attempt=2)
        return await consume(pool, tenant, told, second, later())

    assert run(database, first) == 0
    assert states(database, tenant) == [("a", 1, False, False, "conflict")]
    assert run(database, again) is True
    assert effects(database, tenant) == [("a", "k")]
    assert states(database, tenant) == [("a", 2, True, False, "conflict")]


def test_of_those_handled_together_one_that_fails_costs_the_others_nothing(
    database: Database, tenant: UUID
) -> None:
    """Each of the others has its effect once; that one has none, and its fault."""

    async def fails_for_two(tx: TenantTx, message: Message) -> None:
        await note(tx, message)
        if message.key == "2":
            raise Refusal("conflict")

    told = Consumer("c", {"a": fails_for_two}, together=4)

    async def act(pool: Pool) -> int:
        await publish(pool, tenant, *(("a", str(key)) for key in range(6)))
        return await dispatch(pool, tenant, told, later())

    assert run(database, act) == 6
    assert sorted(effects(database, tenant)) == [("a", key) for key in "01345"]
    done = [("a", 1, True, False, "")]
    assert sorted(states(database, tenant)) == [("a", 1, False, False, "conflict"), *done * 5]


def test_of_those_handled_together_no_two_have_one_key(database: Database, tenant: UUID) -> None:
    """So that they stay in order, however many are taken."""
    told = Consumer("c", {"a": note}, together=20)

    async def act(pool: Pool) -> list[int]:
        await publish(pool, tenant, ("a", "k"), ("a", "l"), ("a", "k"), ("a", "l"))
        await relay(pool, tenant, [told], later())
        return [await take(pool, tenant, told, later(), 20) for _ in range(3)]

    assert run(database, act) == [2, 2, 0]


def test_a_buried_one_keeps_its_payload_and_comes_no_more(database: Database, tenant: UUID) -> None:
    """Its cause is the handler's last fault where there was one. A second copy has no effect."""
    told = consumer(a=note)

    async def act(pool: Pool) -> bool:
        await bury(pool, tenant, told, FIRST, "message_malformed", later())
        second = msgspec.structs.replace(FIRST, id=8)
        await failed(pool, tenant, told, second, ZeroDivisionError("ada@example.org"), later())
        await bury(pool, tenant, told, second, "message_failed", later())
        await bury(pool, tenant, told, second, "message_failed", later())
        return await consume(pool, tenant, told, FIRST, later())

    assert run(database, act) is False
    assert states(database, tenant) == [
        ("a", 1, False, True, "message_malformed"), ("a", 1, False, True, "ZeroDivisionError"),
    ]  # fmt: skip
    kept = database.rows("SELECT payload FROM inbox WHERE tenant_id = $1", tenant)
    assert [row["payload"] for row in kept] == ['{"n": 0}'] * 2
    assert effects(database, tenant) == []


def test_what_is_done_is_not_buried(database: Database, tenant: UUID) -> None:
    """A late copy that the transport gave up takes nothing back."""

    async def act(pool: Pool) -> None:
        await consume(pool, tenant, consumer(a=note), FIRST, later())
        await bury(pool, tenant, consumer(a=note), FIRST, "message_failed", later())
        await failed(pool, tenant, consumer(a=note), FIRST, ValueError(), later())

    run(database, act)
    assert states(database, tenant) == [("a", 1, True, False, "")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"topic": "order.paid", "version": 2}, inbox.UNKNOWN_VERSION),
        ({"topic": "order.paid", "version": 0}, inbox.UNKNOWN_VERSION),
        ({"topic": "b"}, inbox.UNKNOWN_TOPIC),
    ],
)
def test_what_this_build_cannot_know_is_kept(
    database: Database, tenant: UUID, change: dict[str, object], fault: str
) -> None:
    """Dead at once, whole, with the reason; its key goes on."""
    told = consumer(**{"a": note, "order.paid": note})

    async def act(pool: Pool) -> list[bool]:
        unknown = msgspec.structs.replace(FIRST, **change)
        behind = msgspec.structs.replace(FIRST, id=8)
        return [await consume(pool, tenant, told, each, later()) for each in (unknown, behind)]

    assert run(database, act) == [False, True]
    assert [state[2:] for state in states(database, tenant)] == [
        (False, True, fault), (True, False, ""),
    ]  # fmt: skip


def test_an_unknown_version_in_the_outbox_is_kept_too(database: Database, tenant: UUID) -> None:
    """Published by a newer build, dispatched in process by this one."""
    told = consumer(a=note, **{"order.paid": note})

    async def act(pool: Pool) -> None:
        await publish(pool, tenant, ("order.paid", "k"), ("a", "k"))
        sql = "UPDATE outbox SET version = 9 WHERE topic = 'order.paid'"
        await asyncio.to_thread(database.run, sql)
        await relay(pool, tenant, [told], later())
        assert [await take(pool, tenant, told, later()) for _ in range(3)] == [True, True, False]

    run(database, act)
    assert effects(database, tenant) == [("a", "k")]
    assert states(database, tenant)[0] == ("order.paid", 0, False, True, inbox.UNKNOWN_VERSION)


def test_a_brokers_message_waits_for_an_earlier_one_here(database: Database, tenant: UUID) -> None:
    """While what was relayed in process is not done, its key's next one comes too early."""
    told = consumer(a=note, b=note)

    async def act(pool: Pool) -> None:
        await publish(pool, tenant, ("a", "k"))
        await relay(pool, tenant, [told], later())
        number = await asyncio.to_thread(database.rows, "SELECT max(message_id) AS n FROM inbox")
        second = msgspec.structs.replace(FIRST, id=number[0]["n"] + 1, topic="b")
        with pytest.raises(Behind):
            await consume(pool, tenant, told, second, later())
        assert await take(pool, tenant, told, later())
        assert await consume(pool, tenant, told, second, later())

    run(database, act)
    assert effects(database, tenant) == [("a", "k"), ("b", "k")]


WAITING = """
    INSERT INTO inbox (tenant_id, consumer, message_id, topic, version, key, payload, at,
                       request_id, trace, due_at)
    SELECT $1, 'c', n, 'a', 1, n % $2, '{}', now(), '', '', now()
      FROM generate_series(1, 20000) n RETURNING 1
"""


@pytest.mark.parametrize("keys", [1, 20_000], ids=["of one key", "of many keys"])
def test_the_oldest_is_found_however_many_wait(database: Database, tenant: UUID, keys: int) -> None:
    """By walking an index, once the server knows how many there are: joining all of a key with all
    of it took fifteen seconds a message."""
    database.rows(WAITING, tenant, keys)
    database.run("ANALYZE inbox")

    async def run() -> str:
        async with opened(database) as pool, tenant_tx(pool, tenant, WORKER, later()) as tx:
            await tx.conn.execute("PREPARE o (text, timestamptz, bigint) AS " + arrivals.OLDEST)
            told = await tx.conn.fetch("EXPLAIN EXECUTE o ('c', now(), 1)")
        return "\n".join(row["QUERY PLAN"] for row in told)

    plan = awaited(run())
    assert "Index Scan using inbox_due on inbox i" in plan
    assert not re.search("Join|Seq Scan|Sort", plan), plan
