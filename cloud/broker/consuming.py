"""From the broker to the consumers: each message acknowledged once its effect is committed.

A channel for each consumer, a queue for each tenant on it. Deliveries of one key are handled in
order, those of different keys side by side, tenants in turn. One that fails is kept and tried
again, and its key waits: given back to the queue it would come again after those behind it. After
`MAX_ATTEMPTS` it is rejected, and so are those that can't be read: to the dead letters, where the
collector finds out what they died of. One that kills the process every time is the broker's to
count.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import structlog
from aiormq import Channel
from aiormq.abc import DeliveredMessage

from cloud.broker import topology
from cloud.broker.connection import Address, connected, open_channel
from cloud.broker.handling import Handling
from cloud.broker.turns import Turns
from cloud.db.connect import LENT, Pool, connect, hang_up
from cloud.messages.consumer import Consumer
from cloud.pacing import first_of

LOG = structlog.get_logger("usher.broker")
PREFETCH: Final = 100  # of a queue
AT_ONCE: Final = 6  # handled at once in a process, of all queues; fewer than the pool has
POLL: Final = 5.0  # seconds between two looks for new tenants, if nothing wakes it
PACE: Final = 0.5  # seconds between two looks, however much does
ENDING: Final = 10.0  # seconds to finish what is in hand

TENANTS: Final[LiteralString] = "SELECT tenant_id FROM tenant"


class Consuming:
    """A part of a worker."""

    def __init__(
        self,
        where: Address,
        pool: Pool,
        listen_url: str,
        consumers: Sequence[Consumer],
        clock: Callable[[], datetime],
    ) -> None:
        self._where = where
        self._pool = pool
        self._url = listen_url
        self._consumers = consumers
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; raise where database or broker are lost."""
        turns = Turns(AT_ONCE)
        news = asyncio.Event()
        conn: Any = await connect(self._url)
        try:
            await conn.add_listener("usher_outbox", lambda *_: news.set())
            async with connected(self._where, "consumers") as broker:
                each_on = [
                    _Channel(await open_channel(broker), each, self._handling(each, turns), news)
                    for each in self._consumers
                ]
                try:
                    while not stop.is_set():
                        news.clear()
                        await self._subscribe(each_on)
                        await _rest(stop, news)
                        if conn.is_closed() or any(each.is_closed for each in each_on):
                            raise ConnectionResetError
                finally:
                    await asyncio.gather(*(each.end() for each in each_on))
        finally:
            await hang_up(conn)

    def _handling(self, consumer: Consumer, turns: Turns) -> Handling:
        return Handling(self._pool, consumer, self._clock, turns)

    async def _subscribe(self, each_on: Sequence["_Channel"]) -> None:
        async with self._pool.acquire(timeout=LENT) as conn:
            tenants = [row["tenant_id"] for row in await conn.fetch(TENANTS)]
        for each in each_on:
            for tenant in tenants:
                await each.subscribe(tenant)


class _Channel:
    """A consumer's channel. `news` is set when a queue was lost."""

    def __init__(
        self,
        channel: Channel,
        consumer: Consumer,
        handling: Handling,
        news: asyncio.Event,
    ) -> None:
        self._channel = channel
        self._consumer = consumer
        self._handling = handling
        self._news = news
        self._tags: dict[UUID, str] = {}
        self._ready = False
        channel.on_consumer_cancel_callbacks.add(self._cancelled)
        channel.closing.add_done_callback(lambda _: news.set())

    @property
    def is_closed(self) -> bool:
        """Whether it can't be used any more."""
        return self._channel.is_closed

    async def subscribe(self, tenant: UUID) -> None:
        """Take what comes for a tenant. Once is enough."""
        if tenant in self._tags:
            return
        if not self._ready:
            await self._channel.basic_qos(prefetch_count=PREFETCH)
            self._ready = True
        queue = await topology.declare(self._channel, self._consumer.name, tenant)
        tag = str(tenant)

        async def come(delivery: DeliveredMessage) -> None:
            self._handling.take(tenant, delivery)

        self._tags[tenant] = tag
        await self._channel.basic_consume(queue, come, consumer_tag=tag)

    async def end(self) -> None:
        """Take no more, and finish what is in hand. What waits is the broker's again."""
        with suppress(Exception):  # the channel may be closed
            for tag in self._tags.values():
                await self._channel.basic_cancel(tag, nowait=True)
        await self._handling.end(ENDING)

    def _cancelled(self, frame: object) -> None:
        """Somebody has deleted a queue: have it again."""
        tag = getattr(frame, "consumer_tag", "")
        LOG.error("queue_lost", consumer=self._consumer.name, tenant=tag)
        self._tags = {tenant: kept for tenant, kept in self._tags.items() if kept != tag}
        self._news.set()


async def _rest(stop: asyncio.Event, news: asyncio.Event) -> None:
    await first_of(stop, seconds=PACE)
    await first_of(stop, news, seconds=POLL)
