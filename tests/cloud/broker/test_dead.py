"""What nobody can handle ends dead, with what it died of; nothing is dropped."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from pamqp.commands import Basic

from cloud.broker import retrying, topology
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.messages.consumer import Consumer, Message
from tests.cloud.broker.post import Office, channel, note, now, office, parts_of, post, running
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database, awaited

PAID = "order.paid"
Dead = list[tuple[str, str, str]]


async def poisonous(tx: TenantTx, message: Message) -> None:
    """Fail by one key, every time, after an effect that must not stay."""
    await note(tx, message)
    if message.key == "order:poison":
        raise Refusal("mint_impossible")


async def dead_of(made: Office, tenant: UUID, many: int = 1) -> Dead:
    """Return the dead messages, once there are so many."""

    async def there() -> bool:
        return len(await made.dead(tenant)) >= many

    await made.until(there)
    return await made.dead(tenant)


def test_poison_ends_dead_with_its_cause(
    rabbit: Rabbit, database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the limit; the one behind it, of the same key, is handled in its turn."""
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(retrying, "MAX_ATTEMPTS", 4)

    async def cured(tx: TenantTx, message: Message) -> None:
        if message.payload["n"] == 0:
            await poisonous(tx, message)
        else:
            await note(tx, message)

    async def run() -> tuple[Dead, Any]:
        async with post(rabbit, database, Consumer("orders", {PAID: cured})) as made:
            await made.publish(tenant, (PAID, "order:poison"), (PAID, "order:poison"))
            dead = await dead_of(made, tenant)

            async def next_done() -> bool:
                return bool(await made.effects(tenant))

            await made.until(next_done)
            return dead, await made.effects(tenant)

    dead, effects = awaited(run())
    assert dead == [("orders", "order:poison", "mint_impossible")]
    assert effects == [("done.order.paid", "order:poison", 1)]


def envelope(tenant: UUID, **other: object) -> bytes:
    """Return a body that is a message, but for `other`."""
    told = {
        "id": 1, "tenant": tenant, "topic": PAID, "version": 1, "key": "order:x",
        "at": now(), "payload": {"n": 0},
    }  # fmt: skip
    return msgspec.json.encode(told | other)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (lambda _: b"no json", "message_malformed"),
        (lambda _: b"\xff\xfe", "message_malformed"),
        (lambda tenant: envelope(tenant, id="one"), "message_malformed"),
        (lambda tenant: envelope(tenant, more=1), "message_malformed"),
        (lambda _: envelope(uuid4()), "message_malformed"),
        (
            lambda tenant: envelope(tenant, payload={"n": 0, "deep": [0]}).replace(
                b"[0]", b"[" * 50_000 + b"]" * 50_000
            ),
            "message_malformed",
        ),
        (lambda tenant: envelope(tenant, id=2**70), "message_malformed"),
        (lambda tenant: envelope(tenant, version=2**40), "message_malformed"),
        (lambda tenant: envelope(tenant, key="order:\0"), "message_malformed"),
        (lambda tenant: envelope(tenant, key="k" * 9000), "message_malformed"),
        (lambda tenant: envelope(tenant, payload={"n": 0, "a\0": 1}), "message_malformed"),
        (lambda tenant: envelope(tenant, at="0001-01-01T00:00:00+14:00"), "message_malformed"),
        (lambda tenant: envelope(tenant, at="2026-01-01T00:00:00"), "message_malformed"),
        (lambda tenant: envelope(tenant, topic="order.eaten"), "message_unknown_topic"),
        (lambda tenant: envelope(tenant, version=99), "message_unknown_version"),
    ],
    ids=[
        "no json",
        "no text",
        "a wrong type",
        "an unknown field",
        "another's",
        "a depth",
        "an id that is too large",
        "a version that is too large",
        "a key with NUL",
        "a key that is too long",
        "a payload with NUL",
        "the first year",
        "no zone",
        "a topic",
        "a version",
    ],
)
def test_what_is_no_message_ends_dead(
    rabbit: Rabbit, database: Database, tenant: UUID, body: Any, fault: str
) -> None:
    """Each once, kept with the reason, and its queue goes on."""
    sent = body(tenant)

    async def run() -> tuple[Dead, Any]:
        async with post(rabbit, database, Consumer("orders", {PAID: note})) as made:
            async with channel(rabbit) as admin:
                await topology.declare(admin, "orders", tenant)
                for _ in range(2):
                    await admin.basic_publish(
                        sent, exchange="usher.orders", routing_key=str(tenant), mandatory=True
                    )
            await made.publish(tenant, (PAID, "order:good"))
            dead = await dead_of(made, tenant)

            async def good_done() -> bool:
                return bool(await made.effects(tenant))

            await made.until(good_done)
            return dead, await made.effects(tenant)

    dead, effects = awaited(run())
    assert [(who, why) for who, _, why in dead] == [("orders", fault)]
    assert effects == [("done.order.paid", "order:good", 0)]


def test_one_that_kills_its_consumers_is_given_up_by_the_broker(
    rabbit: Rabbit, database: Database, tenant: UUID
) -> None:
    """Given back too often, it is a dead letter, whoever never came to note a fault."""

    async def run() -> Dead:
        orders = Consumer("orders", {PAID: note})
        async with office(database) as made:
            relay, _, collector = parts_of(rabbit, made.pool, database, [orders])
            async with running(made, relay, collector), channel(rabbit) as admin:
                await made.publish(tenant, (PAID, "order:1"))
                queue = await topology.declare(admin, "orders", tenant)

                async def die(delivered: Any) -> None:
                    await delivered.channel.basic_nack(delivered.delivery_tag, requeue=True)

                await admin.basic_consume(queue, die)
                return await dead_of(made, tenant)

    assert awaited(run()) == [("orders", "order:1", "message_deliveries_exceeded")]


def test_a_letter_of_nobody_is_kept_in_the_broker(rabbit: Rabbit, database: Database) -> None:
    """Of a tenant that is not known, of a consumer that is not, or of no queue of ours."""

    async def run() -> int:
        orders = Consumer("orders", {PAID: note})
        async with post(rabbit, database, orders), channel(rabbit) as admin:
            await topology.declare_dead(admin)
            await admin.queue_purge(topology.STRAY)
            for headers in (
                {"x-first-death-queue": topology.queue_of("orders", uuid4())},
                {"x-first-death-queue": topology.queue_of("nobody", uuid4())},
                {"x-first-death-queue": "usher.orders.x"},
                {},
            ):
                await admin.basic_publish(
                    envelope(uuid4()),
                    exchange=topology.DEAD,
                    properties=Basic.Properties(headers={**headers}, message_id=str(uuid4())),
                )
            strayed = 0
            for _ in range(100):
                told = await admin.queue_declare(topology.STRAY, passive=True)
                strayed = told.message_count or 0
                if strayed == 4:
                    break
                await asyncio.sleep(0.1)
            return strayed

    assert awaited(run()) == 4
