"""The broker slow, silent, cut off, away, or refusing: the outbox keeps, and nothing is lost."""

import asyncio
import gc
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import aio_pika
import pytest
from aiormq.exceptions import AMQPError

from cloud.broker import connection as broker_connection
from cloud.broker import publishing, topology
from cloud.broker.connection import Address, connected, open_channel
from cloud.messages.consumer import Consumer
from tests.cloud.broker.papers import Authority
from tests.cloud.broker.post import (
    Office,
    address_of,
    channel,
    note,
    office,
    parts_of,
    post,
    running,
)
from tests.cloud.broker.proxy import Wire, wire
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database, awaited

PAID = "order.paid"
ORDERS = Consumer("orders", {PAID: note})
MANY = 60


async def all_done(made: Office, tenant: UUID, many: int) -> list[int]:
    """Wait for `many` effects and none left in the outbox; return their numbers, sorted."""

    async def there() -> bool:
        return len(await made.effects(tenant)) >= many and not await made.undone(tenant)

    await made.until(there)
    await asyncio.sleep(0.2)
    return sorted(n for *_, n in await made.effects(tenant))


def keys(many: int) -> list[tuple[str, str]]:
    """Return messages, each with a key of its own."""
    return [(PAID, f"order:{n}") for n in range(many)]


def test_a_queue_that_was_deleted_is_had_again(
    rabbit: Rabbit, database: Database, tenant: UUID
) -> None:
    """The consumer hears of it, and the next message finds its way."""

    async def run() -> list[int]:
        async with post(rabbit, database, ORDERS) as made, channel(rabbit) as admin:
            await made.publish(tenant, *keys(1))
            await all_done(made, tenant, 1)
            await admin.queue_delete(topology.queue_of("orders", tenant))
            await made.publish(tenant, *keys(3))
            return await all_done(made, tenant, 4)

    assert awaited(run()) == [0, 0, 1, 2]


def test_what_can_not_be_routed_stays_and_says_so(
    rabbit: Rabbit, database: Database, tenant: UUID
) -> None:
    """With nobody to make the queue again, each try is a fault of that message; none is lost."""

    async def run() -> tuple[list[tuple[str, int, str]], list[int]]:
        async with office(database) as made, channel(rabbit, "relay") as mine:
            publisher = publishing.Publisher(mine, [ORDERS])
            await publisher.publish(tenant, [])
            async with channel(rabbit) as admin:
                await admin.queue_unbind(
                    topology.queue_of("orders", tenant), "usher.orders", routing_key=str(tenant)
                )
            await made.publish(tenant, *keys(2))
            relay, *rest = parts_of(rabbit, made.pool, database, [ORDERS])
            told = relay.__self__  # type: ignore[attr-defined]
            assert await told.turn(publisher) == 0
            held = await made.undone(tenant)
            async with running(made, relay, *rest):
                return held, await all_done(made, tenant, 2)

    held, done = awaited(run())
    assert held == [(PAID, 1, "message_unroutable")] * 2
    assert done == [0, 1]


def test_what_a_queue_refuses_stays_behind_no_other_key(
    rabbit: Rabbit, database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full queue: the outbox holds the rest, in order, until there is room."""
    monkeypatch.setitem(topology.WORK, "x-max-length", 2)
    crowded = Consumer("crowded", {PAID: note})

    async def run() -> tuple[list[tuple[str, int, str]], list[int]]:
        async with office(database) as made:
            relay, *rest = parts_of(rabbit, made.pool, database, [crowded])
            await made.publish(tenant, *[(PAID, "order:1")] * 12)
            async with running(made, relay):

                async def refused() -> bool:
                    return any(fault for *_, fault in await made.undone(tenant))

                await made.until(refused)
                held = await made.undone(tenant)
            async with running(made, relay, *rest):
                return held, await all_done(made, tenant, 12)

    held, done = awaited(run())
    assert held[0][2] == "message_refused"
    assert all(not fault for *_, fault in held[1:])
    assert done == list(range(12))


@pytest.mark.parametrize("fault", ["latency", "cut", "blackhole"])
def test_a_bad_wire_loses_and_repeats_nothing(
    rabbit: Rabbit, database: Database, tenant: UUID, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message has one effect, however often the wire goes while they are on their way."""
    monkeypatch.setattr(broker_connection, "HEARTBEAT", 1)
    monkeypatch.setattr(publishing, "CONFIRMING", 2.0)

    async def slow(line: Wire) -> None:
        line.delay = 0.05

    async def cut(line: Wire) -> None:
        for _ in range(4):
            await asyncio.sleep(0.25)
            line.cut()

    async def silence(line: Wire) -> None:
        line.silent = True
        await asyncio.sleep(6)
        line.silent = False
        line.cut()

    harm: dict[str, Callable[[Wire], Awaitable[None]]] = {
        "latency": slow, "cut": cut, "blackhole": silence,
    }  # fmt: skip

    async def run() -> tuple[list[int], list[str]]:
        async with (
            wire(rabbit.port) as line,
            post(rabbit, database, ORDERS, port=line.port) as made,
        ):
            harming = asyncio.create_task(asyncio.wait_for(harm[fault](line), 30))
            for n in range(MANY):
                await made.publish(tenant, *[(PAID, f"order:{n}")] * 2)
                await asyncio.sleep(0.01)
            await harming
            return await all_done(made, tenant, 2 * MANY), made.faults

    done, faults = awaited(run())
    assert done == [0] * MANY + [1] * MANY
    assert bool(faults) == (fault != "latency")


def test_the_outbox_keeps_while_the_broker_is_away(
    database: Database, tenant: UUID, tmp_path: Path, rabbit: Rabbit
) -> None:
    """Nobody answers at the start: what is committed waits, and goes when somebody does."""

    async def run() -> tuple[int, list[int]]:
        async with wire(rabbit.port) as line:
            line.refusing = True
            async with post(rabbit, database, ORDERS, port=line.port) as made:
                await made.publish(tenant, *keys(3))

                async def tried() -> bool:
                    return len(made.faults) >= 6

                await made.until(tried)
                waiting = len(await made.undone(tenant))
                line.refusing = False
                return waiting, await all_done(made, tenant, 3)

    waiting, done = awaited(run())
    assert waiting == 3
    assert done == [0, 1, 2]


async def opens(where: Address) -> None:
    """Connect, and use the connection."""
    async with connected(where, "test") as made:
        await open_channel(made)


@pytest.mark.parametrize("fault", ["away", "silent"])
def test_a_connection_that_is_lost_leaves_nothing_to_close(
    rabbit: Rabbit, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One not known as closed closes itself as garbage, in whichever thread that happens."""
    monkeypatch.setattr(broker_connection, "CLOSING", 0.1)

    async def run() -> tuple[list[bool], float]:
        async with wire(rabbit.port) as line:
            line.refusing, began = fault == "away", time.monotonic()
            with suppress(OSError, AMQPError):
                async with connected(address_of(rabbit, "relay", line.port), "test"):
                    line.silent = True
            took = time.monotonic() - began
            made = [each for each in gc.get_objects() if isinstance(each, aio_pika.Connection)]
            return [each.is_closed for each in made], took

    closed, took = awaited(run())
    assert all(closed)
    assert took < 20, "TLS's end alone would be waited for for half a minute"


def test_wrong_credentials_are_refused(rabbit: Rabbit) -> None:
    """A password that is not the user's."""
    good = address_of(rabbit, "relay")
    with pytest.raises(AMQPError, match="ACCESS_REFUSED"):
        awaited(opens(good._replace(url=good.url.replace("pw-relay", "pw-other"))))


@pytest.mark.parametrize("shown", ["none", "another authority's"])
def test_a_client_without_a_certificate_of_the_authority_is_refused(
    rabbit: Rabbit, tmp_path: Path, shown: str
) -> None:
    """The right password alone is not enough."""
    certificate, key = ("", "")
    if shown != "none":
        certificate, key = map(str, Authority(tmp_path, "other").issue("client"))
    where = address_of(rabbit, "relay")._replace(certificate=certificate, key=key)
    with pytest.raises((OSError, AMQPError)):
        awaited(opens(where))


def test_a_broker_of_another_authority_is_refused(rabbit: Rabbit, tmp_path: Path) -> None:
    """Whoever answers at its address has no password of ours."""
    ca = str(Authority(tmp_path, "other").certificate)
    with pytest.raises((OSError, AMQPError), match="CERTIFICATE_VERIFY_FAILED"):
        awaited(opens(address_of(rabbit, "relay")._replace(ca=ca)))


def test_an_older_tls_is_refused(rabbit: Rabbit) -> None:
    """By the broker, even of a client that would."""
    papers = rabbit.papers
    context = ssl.create_default_context(cafile=papers["broker_ca"])
    context.load_cert_chain(papers["broker_cert"], papers["broker_key"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def run() -> None:
        await aio_pika.connect(rabbit.url("relay"), ssl_context=context, timeout=10)

    with pytest.raises((OSError, AMQPError)):
        awaited(run())


@pytest.mark.parametrize(
    ("user", "queue"), [("tickets", "orders"), ("orders", "tickets"), ("nobody", "orders")]
)
def test_a_service_may_not_take_anothers_messages(
    rabbit: Rabbit, tenant: UUID, user: str, queue: str
) -> None:
    """Its credentials open its own queues alone."""

    async def run() -> None:
        async with channel(rabbit) as admin:
            name = await topology.declare(admin, queue, tenant)
        async with channel(rabbit, user) as mine:
            await mine.basic_consume(name, lambda _: asyncio.sleep(0))

    with pytest.raises(AMQPError, match="ACCESS_REFUSED"):
        awaited(run())
