"""Messages by way of a real broker: each has its effect once, in order, for each consumer."""

import asyncio
from uuid import UUID

from cloud.broker.publishing import Publisher
from cloud.broker.relay import Relay
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.messages.consumer import Consumer, Message
from tests.cloud.broker.post import (
    address_of,
    channel,
    note,
    now,
    office,
    parts_of,
    post,
    running,
)
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database, awaited

PAID = "order.paid"
KEYS = 20
EACH = 5


async def noted_with_its_name(tx: TenantTx, message: Message) -> None:
    """As `note`, for the second consumer."""
    await tx.audit("done.tickets", message.key, n=message.payload["n"])


def test_each_consumer_is_told_once_and_in_order(
    rabbit: Rabbit, database: Database, tenant: UUID
) -> None:
    """A hundred messages of twenty keys, to two consumers."""
    orders = Consumer("orders", {PAID: note, "order.lapsed": note})
    tickets = Consumer("tickets", {PAID: noted_with_its_name})
    sent = [(PAID, f"order:{n % KEYS}") for n in range(KEYS * EACH)]

    async def run() -> list[tuple[str, str, int]]:
        async with post(rabbit, database, orders, tickets) as office:
            await office.publish(tenant, *sent, ("order.lapsed", "order:1"), ("other", "x"))

            async def all_done() -> bool:
                return len(await office.effects(tenant)) >= 2 * len(sent) + 1

            await office.until(all_done)
            await asyncio.sleep(0.3)  # a repeat would come by now
            assert await office.undone(tenant) == []
            return await office.effects(tenant)

    effects = awaited(run())
    assert len(effects) == 2 * len(sent) + 1
    for action in ("done.order.paid", "done.tickets"):
        for key in range(KEYS):
            seen = [
                n for said, subject, n in effects if (said, subject) == (action, f"order:{key}")
            ]
            assert seen == list(range(key, KEYS * EACH, KEYS))


def test_one_that_fails_holds_up_its_own_key_alone(
    rabbit: Rabbit, database: Database, tenant: UUID
) -> None:
    """The message behind it waits for it, and those of another key don't."""
    tries: list[int] = []

    async def fails_once(tx: TenantTx, message: Message) -> None:
        if message.key == "order:bad" and message.payload["n"] == 0:
            tries.append(message.attempt)
            if len(tries) == 1:
                raise Refusal("provider_away")
        await note(tx, message)

    async def run() -> list[tuple[str, str, int]]:
        async with post(rabbit, database, Consumer("orders", {PAID: fails_once})) as office:
            await office.publish(
                tenant, (PAID, "order:bad"), (PAID, "order:bad"), (PAID, "order:good")
            )

            async def all_done() -> bool:
                return len(await office.effects(tenant)) >= 3

            await office.until(all_done)
            return await office.effects(tenant)

    effects = awaited(run())
    assert [(subject, n) for _, subject, n in effects] == [
        ("order:good", 2), ("order:bad", 0), ("order:bad", 1),
    ]  # fmt: skip
    assert tries == [1, 2]


def test_two_relays_at_once_double_no_effect(
    rabbit: Rabbit, database: Database, tenant: UUID
) -> None:
    """The lock keeps them apart; for the moment in which it doesn't, the inbox knows repeats."""
    orders = Consumer("orders", {PAID: note})
    sent = [(PAID, f"order:{n % KEYS}") for n in range(KEYS * EACH)]

    async def run() -> list[tuple[str, str, int]]:
        async with office(database) as made, channel(rabbit) as one, channel(rabbit) as two:
            relay, consumer, _ = parts_of(rabbit, made.pool, database, [orders])
            await made.publish(tenant, *sent)
            both = [Publisher(each, [orders]) for each in (one, two)]
            turn = Relay(address_of(rabbit, "relay"), made.pool, database.app_url, [orders], now)
            counts = await asyncio.gather(*(turn.turn(each) for each in both))
            assert sum(counts) > len(sent)  # both have published
            async with running(made, relay, consumer):

                async def all_done() -> bool:
                    return len(await made.effects(tenant)) >= len(sent)

                await made.until(all_done)
                await asyncio.sleep(0.5)  # a repeat would come by now
                return await made.effects(tenant)

    effects = awaited(run())
    for key in range(KEYS):
        seen = [n for _, subject, n in effects if subject == f"order:{key}"]
        assert seen == list(range(key, KEYS * EACH, KEYS))
