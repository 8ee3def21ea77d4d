"""What each consumer has before it, and the one transaction of a message's effect.

A row of `inbox` is one message for one consumer. Its effect and its `done_at` are committed
together, so that each effect happens once, however often a transport brings the message. Rows
of one key are handled in order: a later one waits until the earlier is done or dead. What fails
is tried again, later each time, and after `MAX_ATTEMPTS` is dead: kept, listed, and a person's
to decide. `Away` kills none. One that kills its worker rolls back its own count as well, so what a
worker finds when it begins is counted before it is handled (`take_counted`).

A row with `due_at` is this module's to hand out (`take`); one without is a broker's, which
brings the message again by itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind

from cloud.db.connect import Pool
from cloud.db.outbox import Away
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.messages import arrivals
from cloud.messages.consumer import Consumer, Message
from cloud.pacing import doubling
from cloud.spans import joining
from cloud.topics import is_known

LOG = structlog.get_logger("usher.messages")
MAX_ATTEMPTS: Final = 12
FIRST_WAIT: Final = 2.0  # seconds; doubles up to MAX_WAIT
MAX_WAIT: Final = 3600.0
UNKNOWN_VERSION: Final = "message_unknown_version"
UNKNOWN_TOPIC: Final = "message_unknown_topic"
WORKER_DIED: Final = "worker_died"


class Behind(Away):
    """One before it, of the same key, is not done: it comes again."""


async def fan_out(tx: TenantTx, consumers: Sequence[Consumer], most: int) -> int:
    """Put up to `most` of the outbox's messages before those who subscribe to them.

    Return how many messages that were. They are due at once, and whoever takes is woken.
    """
    pairs = [(each.name, topic) for each in consumers for topic in each.handlers]
    return await arrivals.relay(tx, pairs, most)


async def consume(
    pool: Pool, tenant: UUID, consumer: Consumer, message: Message, now: datetime
) -> bool:
    """Handle a message that a broker has brought. False: it was done, or is dead, already.

    Raises what the handler raises, with nothing written, and `Behind` while one of its key waits
    here. One of a version that this build doesn't know is dead at once, and so kept.
    """
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        if (fault := unfit(consumer, message)) is not None:
            await arrivals.bury(tx, consumer.name, message, fault)
            return False
        if await arrivals.is_behind(tx, consumer.name, message):
            raise Behind
        if not await arrivals.arrive(tx, consumer.name, message):
            return False
        await _handle(tx, consumer, message)
    return True


async def failed(
    pool: Pool, tenant: UUID, consumer: Consumer, message: Message, error: Exception, now: datetime
) -> None:
    """Note a failure of a message that a broker brings again by itself."""
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        await arrivals.note(tx, consumer.name, message, fault_of(error))


async def bury(
    pool: Pool, tenant: UUID, consumer: Consumer, message: Message, reason: str, now: datetime
) -> None:
    """Keep a message that its transport has given up: dead, with the last fault or `reason`."""
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        await arrivals.bury(tx, consumer.name, message, reason)


async def take(pool: Pool, tenant: UUID, consumer: Consumer, now: datetime, most: int = 1) -> int:
    """Handle the consumer's oldest messages that are due; return how many there were."""
    messages: Sequence[Message] = ()
    try:
        async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
            messages = await arrivals.oldest(tx, consumer.name, most)
            await _take(tx, consumer, messages)
    except Exception as error:
        if not messages:
            raise
        if len(messages) > 1:  # which of them it was, each shows by itself
            return sum([await take(pool, tenant, consumer, now) for _ in messages])
        await _failed(pool, tenant, consumer, messages[0], error, now)
    return len(messages)


async def take_counted(
    pool: Pool, tenant: UUID, consumer: Consumer, now: datetime, most: int
) -> int:
    """As `take`, one by one, and with each attempt counted before it is made.

    So a process takes what it finds when it begins: the one before may have died of it.
    """
    for number in range(most):
        if not await _take_one(pool, tenant, consumer, now):
            return number
    return most


async def _take_one(pool: Pool, tenant: UUID, consumer: Consumer, now: datetime) -> bool:
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        found = await arrivals.oldest(tx, consumer.name, 1)
        if not found:
            return False
        message, due = found[0], now + wait_after(found[0].attempt)
        told = consumer.name, message.id
        if not await arrivals.begin(tx, *told, WORKER_DIED, due, MAX_ATTEMPTS):
            LOG.warning("message_given_up", tenant=str(tenant), consumer=told[0], message=told[1])
            return True
    try:
        async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
            if await arrivals.resume(tx, *told):
                await _take(tx, consumer, found)
    except Exception as error:  # noqa: BLE001 - it is noted
        await _failed(pool, tenant, consumer, message, error, now)
    return True


async def _take(tx: TenantTx, consumer: Consumer, messages: Sequence[Message]) -> None:
    handled = []
    for message in messages:
        if (fault := unfit(consumer, message)) is not None:
            await arrivals.bury(tx, consumer.name, message, fault)
        else:
            await _handle(tx, consumer, message)
            handled.append(message.id)
    if handled:
        await arrivals.done(tx, consumer.name, handled)


def unfit(consumer: Consumer, message: Message) -> str | None:
    """Return why this build can't handle a message at all; None: it can."""
    if message.topic not in consumer.handlers:
        return UNKNOWN_TOPIC
    return None if is_known(message.topic, message.version) else UNKNOWN_VERSION


def fault_of(error: Exception) -> str:
    """Return what is kept of an error: a code, never its text."""
    return str(getattr(error, "code", type(error).__name__))


def wait_after(attempt: int) -> timedelta:
    """Return how long a message rests after an attempt that failed."""
    return timedelta(seconds=doubling(FIRST_WAIT, MAX_WAIT, attempt))


async def _handle(tx: TenantTx, consumer: Consumer, message: Message) -> None:
    tx.origin = tx.origin._replace(request_id=message.request_id)
    name = f"{consumer.name} {message.topic}"
    with joining(name, message.trace, SpanKind.CONSUMER):
        await consumer.handlers[message.topic](tx, message)


async def _failed(
    pool: Pool, tenant: UUID, consumer: Consumer, message: Message, error: Exception, now: datetime
) -> None:
    fault = fault_of(error)
    LOG.warning(
        "message_failed", consumer=consumer.name, tenant=str(tenant), message=message.id,
        fault=fault,
    )  # fmt: skip
    most = None if isinstance(error, Away) else MAX_ATTEMPTS
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        due = now + wait_after(message.attempt)
        await arrivals.postpone(tx, consumer.name, message, fault, due, most)
