"""What one consumer does with what is delivered to it, up to the acknowledgement."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

from cloud.broker.envelope import Unreadable, read
from cloud.broker.lanes import Lanes
from cloud.broker.retrying import Next, after_failure, wait
from cloud.broker.turns import Turns
from cloud.db.connect import Pool
from cloud.db.outbox import Away
from cloud.messages import inbox
from cloud.messages.consumer import Consumer, Message

LOG = structlog.get_logger("usher.broker")
GONE = (AMQPError, ChannelInvalidStateError, ConnectionError)  # the broker gives it to another


class Delivery(NamedTuple):
    """A message, and the delivery to acknowledge."""

    tenant: UUID
    message: Message
    delivered: DeliveredMessage
    since: float  # of the monotonic clock


class Handling:
    """`turns` bound what is handled at a time, together with other consumers'."""

    def __init__(
        self,
        pool: Pool,
        consumer: Consumer,
        clock: Callable[[], datetime],
        turns: Turns,
    ) -> None:
        self._pool = pool
        self._consumer = consumer
        self._clock = clock
        self._turns = turns
        self._ending = asyncio.Event()
        self._lanes = Lanes(self._handle, self._give_back)
        self._rejections: set[asyncio.Task[bool]] = set()

    def take(self, tenant: UUID, delivered: DeliveredMessage) -> None:
        """Begin with a delivery. Called in the order of deliveries."""
        try:
            message = read(delivered, tenant)
        except Unreadable as error:
            LOG.error("message_unreadable", consumer=self._consumer.name, fault=error.code)
            rejection = asyncio.create_task(_answer(delivered, requeue=False))
            self._rejections.add(rejection)
            rejection.add_done_callback(self._rejections.discard)
            return
        each = Delivery(tenant, message, delivered, time.monotonic())
        self._lanes.add(f"{tenant} {message.key}", each)

    async def end(self, patience: float) -> None:
        """Finish what is being handled, and leave what waits."""
        self._ending.set()
        await self._lanes.end(patience)

    async def _handle(self, each: Delivery) -> bool:
        """Handle a delivery to its end; return whether the one behind it may come."""
        failures = 0
        while not self._ending.is_set():
            async with self._turns.of(each.tenant):
                if self._ending.is_set():
                    return False
                error = await self._attempt(each, failures)
            if error is None:
                return await _answer(each.delivered)
            failures += 1
            held = time.monotonic() - each.since
            match after_failure(failures, held, away=not await self._noted(each, error)):
                case Next.GIVE_UP:
                    return await _answer(each.delivered, requeue=False)
                case Next.GIVE_BACK:
                    await self._give_back(each)
                    return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), wait(failures))
        return False

    async def _attempt(self, each: Delivery, failures: int) -> Exception | None:
        message = msgspec.structs.replace(each.message, attempt=each.message.attempt + failures)
        try:
            await inbox.consume(self._pool, each.tenant, self._consumer, message, self._clock())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's
            return error
        return None

    async def _noted(self, each: Delivery, error: Exception) -> bool:
        """Write the failure down; return whether it counts against the message."""
        fault = getattr(error, "code", type(error).__name__)
        LOG.warning(
            "message_failed", consumer=self._consumer.name, tenant=str(each.tenant),
            message=each.message.id, fault=fault,
        )  # fmt: skip
        try:
            await inbox.failed(
                self._pool, each.tenant, self._consumer, each.message, error, self._clock()
            )
        except Exception as worse:  # noqa: BLE001 - the database is away: no fault of the message
            LOG.warning("failure_not_noted", fault=type(worse).__name__)
            return False
        return not isinstance(error, Away)

    async def _give_back(self, each: Delivery) -> None:
        """Leave it to the broker; at the end it takes back by itself what was not answered."""
        if not self._ending.is_set():
            await _answer(each.delivered, requeue=True)


async def _answer(delivered: DeliveredMessage, *, requeue: bool | None = None) -> bool:
    """Acknowledge, or with `requeue` refuse; return whether the channel still takes answers."""
    tag = delivered.delivery_tag or 0
    try:
        if requeue is None:
            await delivered.channel.basic_ack(tag, wait=False)
        else:
            await delivered.channel.basic_nack(tag, requeue=requeue, wait=False)
    except GONE:
        return False
    return True
