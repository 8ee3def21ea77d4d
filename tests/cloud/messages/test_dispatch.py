"""In process, on a real database: each message has its effect once a consumer, in order."""

import asyncio
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.messages.consumer import Message
from cloud.messages.inbox import MAX_ATTEMPTS
from cloud.messages.turning import MOST, Dispatch, drain, relay
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import (
    consumer,
    dispatch,
    effects,
    later,
    new_tenant,
    note,
    opened,
    publish,
    states,
)
from tests.cloud.messages.post import tenant as tenant


def test_messages_are_handled_in_order_and_done(database: Database, tenant: UUID) -> None:
    """Both topics; one that nobody asked for is relayed to nobody."""

    async def run() -> int:
        async with opened(database) as pool:
            await publish(pool, tenant, ("a", "1"), ("b", "1"), ("nobody", "1"), ("a", "2"))
            return await dispatch(pool, tenant, consumer(a=note, b=note), later())

    assert awaited(run()) == 3
    assert effects(database, tenant) == [("a", "1"), ("b", "1"), ("a", "2")]
    assert [(state[0], state[2]) for state in states(database, tenant)] == [
        ("a", True), ("b", True), ("a", True),
    ]  # fmt: skip
    left = "SELECT FROM outbox WHERE tenant_id = $1 AND done_at IS NULL"
    assert database.rows(left, tenant) == []


def test_each_consumer_is_told_and_none_waits_for_another(database: Database, tenant: UUID) -> None:
    """One that fails keeps its messages before it; the other has had them."""

    async def never(tx: TenantTx, message: Message) -> None:
        await note(tx, message)
        raise ValueError("no")

    async def run() -> None:
        async with opened(database) as pool:
            told = [consumer("bad", a=never), consumer("good", a=note)]
            await publish(pool, tenant, ("a", "1"), ("a", "1"), ("a", "2"))
            await dispatch(pool, tenant, told, later())

    awaited(run())
    assert effects(database, tenant) == [("a", "1"), ("a", "1"), ("a", "2")]
    assert [state[2] for state in states(database, tenant, "good")] == [True] * 3
    assert states(database, tenant, "bad") == [
        ("a", 1, False, False, "ValueError"),
        ("a", 0, False, False, ""),  # behind the first
        ("a", 1, False, False, "ValueError"),
    ]


def test_a_failure_leaves_no_effect_and_is_tried_again(database: Database, tenant: UUID) -> None:
    """What the handler wrote before it failed is gone; the second attempt is told that it is."""

    async def fails_once(tx: TenantTx, message: Message) -> None:
        await note(tx, message)
        if message.attempt == 1:
            raise Refusal("conflict")

    async def run() -> None:
        async with opened(database) as pool:
            told = consumer(a=fails_once)
            await publish(pool, tenant, ("a", "1"))
            await dispatch(pool, tenant, told, later())
            assert await asyncio.to_thread(effects, database, tenant) == []
            await dispatch(pool, tenant, told, later())  # not due yet
            await dispatch(pool, tenant, told, later(60))

    awaited(run())
    assert effects(database, tenant) == [("a", "1")]
    assert states(database, tenant) == [("a", 2, True, False, "conflict")]


def test_one_key_waits_for_its_own_and_no_other(database: Database, tenant: UUID) -> None:
    """While the first message of a key fails, its second waits; other keys go on."""

    async def first_fails(tx: TenantTx, message: Message) -> None:
        if message.topic == "bad":
            raise ValueError("no")
        await note(tx, message)

    async def run() -> None:
        async with opened(database) as pool:
            await publish(pool, tenant, ("bad", "1"), ("a", "1"), ("a", "2"))
            await dispatch(pool, tenant, consumer(bad=first_fails, a=first_fails), later())

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
                told = consumer(bad=never, a=note)
                await dispatch(pool, tenant, told, later(attempt * 4000))

    awaited(run())
    assert states(database, tenant)[0] == ("bad", MAX_ATTEMPTS, False, True, "ZeroDivisionError")
    assert effects(database, tenant) == [("a", "1")]


def test_two_workers_take_each_message_once(database: Database, tenant: UUID) -> None:
    """And never two of one key at a time, however they relay and handle side by side."""
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
            told = consumer(**{f"t{n}": slow for n in range(30)})
            for _ in range(4):  # one that finds every key taken comes back
                await asyncio.gather(*(dispatch(pool, tenant, told, later()) for _ in range(4)))

    awaited(run())
    found = effects(database, tenant)
    assert len(found) == len(set(found)) == 30
    for key in "012":
        topics = [int(topic[1:]) for topic, subject in found if subject == key]
        assert topics == sorted(topics)


def test_a_tenants_flood_holds_up_no_other(database: Database, tenant: UUID) -> None:
    """The other's one message, published last, is handled before the flood is half done."""
    other = new_tenant(database)
    order: list[UUID] = []

    async def see(tx: TenantTx, message: Message) -> None:
        order.append(tx.tenant)

    async def run() -> None:
        async with opened(database) as pool:
            await publish(pool, tenant, *(("a", str(n)) for n in range(5 * MOST)))
            await publish(pool, other, ("a", "1"))
            await Dispatch(pool, database.app_url, [consumer("flood", a=see)], later).all()

    awaited(run())
    assert len(order) == 5 * MOST + 1
    assert order.index(other) <= MOST


def test_a_slow_consumer_holds_up_no_other(database: Database, tenant: UUID) -> None:
    """While one's handler hangs, the other has all of its messages."""
    had: list[str] = []

    async def run() -> None:
        stop, release = asyncio.Event(), asyncio.Event()

        async def hangs(_: TenantTx, __: Message) -> None:
            await release.wait()

        async def quick(_: TenantTx, message: Message) -> None:
            had.append(message.key)

        async with opened(database) as pool:
            told = [consumer("hung", a=hangs), consumer("quick", a=quick)]
            running = asyncio.create_task(Dispatch(pool, database.app_url, told, later).run(stop))
            await publish(pool, tenant, *(("a", str(n)) for n in range(5)))
            async with asyncio.timeout(20):
                while len(had) < 5:  # noqa: ASYNC110 - somebody else's loop tells
                    await asyncio.sleep(0.02)
            stop.set()
            release.set()
            await running

    awaited(run())
    assert sorted(had) == list("01234")
    assert [state[2] for state in states(database, tenant, "quick")] == [True] * 5


def test_a_clock_that_jumped_delays_nothing(database: Database, tenant: UUID) -> None:
    """A worker whose clock is an hour off relays, and others handle at once what it has relayed."""

    async def run() -> list[int]:
        told = [consumer(a=note)]
        async with opened(database) as pool:
            await publish(pool, tenant, ("a", "1"))
            await relay(pool, tenant, told, later(3600))
            ahead = await drain(pool, tenant, told[0], later())
            await publish(pool, tenant, ("a", "2"))
            behind = await dispatch(pool, tenant, told, later(-3600))
            return [ahead, behind]

    assert awaited(run()) == [1, 1]
    assert effects(database, tenant) == [("a", "1"), ("a", "2")]
