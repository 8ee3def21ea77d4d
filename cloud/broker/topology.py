r"""What exists in the broker, by name.

    usher.<consumer>           exchange, direct: routed by tenant
    usher.<consumer>.<tenant>  its queue, one for each tenant: a flood waits behind itself alone
    usher.dead                 exchange and queue: what a queue gave up, for the collector
    usher.stray                the same: dead letters of no tenant or consumer known here

Each message is published once for each consumer, to that consumer's exchange. One exchange
with many bindings would do with fewer messages, but then a queue that is missing stays
unnoticed as long as another one takes the message: `mandatory` asks for one taker alone.

All queues are quorum queues. They refuse what is too much for them (reject-publish) and keep a
dead letter until the next queue has confirmed it (at-least-once). A delivery that is given back
counts; one given back oftener than `DELIVERIES` times kills its consumers, or is too slow for
them, and goes to the dead letters. One consumer at a time takes a queue, so that order holds.

A queue that exists is never declared with other arguments: the broker would refuse. Whoever
changes `WORK` gives the queues another name, and lets those of the old one run dry.

What a service must be permitted, as RabbitMQ's patterns for configure, write and read:

    relay      ^usher\.                 ^usher\.                 ^usher\.
    consumer   ^usher\.NAME\b           ^usher\.(NAME\b|dead$)   ^usher\.NAME\b
    collector  ^usher\.(dead|stray)$    ^usher\.(dead|stray)$   ^usher\.(dead|stray)$

A relay reads nothing: RabbitMQ asks for the right to read where a queue is bound, and given its
dead letters' exchange.
"""

from typing import Any, Final
from uuid import UUID

from aiormq import Channel

from cloud.broker.connection import ANSWERING

DEAD: Final = "usher.dead"
STRAY: Final = "usher.stray"
DELIVERIES: Final = 20
LONGEST: Final = 500_000  # messages of a queue; more than that waits in the outbox
QUORUM: Final[dict[str, Any]] = {"x-queue-type": "quorum", "x-overflow": "reject-publish"}
WORK: Final[dict[str, Any]] = QUORUM | {
    "x-single-active-consumer": True,
    "x-delivery-limit": DELIVERIES,
    "x-max-length": LONGEST,
    "x-dead-letter-exchange": DEAD,
    "x-dead-letter-strategy": "at-least-once",
}


def exchange_of(consumer: str) -> str:
    """Return the name of the exchange that is a consumer's."""
    return f"usher.{consumer}"


def queue_of(consumer: str, tenant: UUID) -> str:
    """Return the name of a consumer's queue of a tenant's messages."""
    return f"usher.{consumer}.{tenant}"


def owner_of(queue: str) -> tuple[str, UUID] | None:
    """Return the consumer and the tenant of a queue, None if it is nobody's."""
    match queue.split("."):
        case ["usher", consumer, tenant]:
            try:
                return consumer, UUID(tenant)
            except ValueError:
                return None
    return None


async def declare(channel: Channel, consumer: str, tenant: UUID) -> str:
    """Have a consumer's queue of a tenant; return its name. What exists already is left."""
    exchange, queue = exchange_of(consumer), queue_of(consumer, tenant)
    await channel.exchange_declare(
        exchange, exchange_type="direct", durable=True, timeout=ANSWERING
    )
    await channel.queue_declare(queue, durable=True, arguments=WORK, timeout=ANSWERING)
    await channel.queue_bind(queue, exchange, routing_key=str(tenant), timeout=ANSWERING)
    return queue


async def declare_dead(channel: Channel) -> None:
    """Have the place of the dead letters, and the one of strays."""
    for name in (DEAD, STRAY):
        await channel.exchange_declare(
            name, exchange_type="fanout", durable=True, timeout=ANSWERING
        )
        await channel.queue_declare(name, durable=True, arguments=QUORUM, timeout=ANSWERING)
        await channel.queue_bind(name, name, timeout=ANSWERING)
