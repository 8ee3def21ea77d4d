"""From the outbox to the broker, in turns: a batch of each tenant that has something.

A message is marked done when the broker has confirmed it for each consumer. Whoever dies in
between leaves it undone, and it is published again: what comes twice has one effect, since a
consumer's inbox knows it. One relay at a time has the advisory lock; should two run for a
moment, that is no more than such a repeat.

What can't be delivered stays in the outbox, with its fault, and holds up its key alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from cloud.broker import pending, topology
from cloud.broker.connection import Address, closes, connected, open_channel
from cloud.broker.publishing import Published, Publisher
from cloud.db.connect import LENT, Connection, Pool, connect, hang_up
from cloud.db.outbox import waiting
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.messages.consumer import Consumer

LOG = structlog.get_logger("usher.broker")
RELAY: Final = 0x7573_6865_7203  # the advisory lock's number
BATCH: Final = 250  # messages of one tenant before the others have their turn
AT_ONCE: Final = 3  # tenants: while the broker confirms for one, the database reads for another
POLL: Final = 2.0  # seconds between two looks at the outbox, or at the lock, if nothing wakes it


class Relay:
    """A part of a worker. `listen_url`: the database, where it is woken and has its lock."""

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
        """Relay until `stop` is set; raise where database or broker are lost."""
        conn: Any = await connect(self._url)
        try:
            while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", RELAY):
                if await _pause(stop, POLL):
                    return
            async with connected(self._where, "relay") as broker:
                channel = await open_channel(broker)
                await topology.declare_dead(channel)
                LOG.info("relaying")
                await self._relay(conn, Publisher(channel, self._consumers), closes(channel), stop)
        finally:
            await hang_up(conn)

    async def _relay(
        self, conn: Connection, publisher: Publisher, lost: asyncio.Event, stop: asyncio.Event
    ) -> None:
        woken = asyncio.Event()
        await conn.add_listener("usher_outbox", lambda *_: woken.set())  # type: ignore[attr-defined]
        ends = [asyncio.create_task(each.wait()) for each in (stop, lost)]
        try:
            while not stop.is_set():
                woken.clear()
                while not stop.is_set() and await self.turn(publisher):
                    pass
                news = asyncio.create_task(woken.wait())
                await asyncio.wait([*ends, news], timeout=POLL, return_when="FIRST_COMPLETED")
                news.cancel()
                await conn.fetchval("SELECT 1")  # the lock is held as long as this answers
                if lost.is_set():
                    raise ConnectionResetError
        finally:
            for each in ends:
                each.cancel()

    async def turn(self, publisher: Publisher) -> int:
        """Relay a batch of each tenant that has something; return how many went."""
        async with self._pool.acquire(timeout=LENT) as conn:
            tenants = await waiting(conn)
        at_once = asyncio.Semaphore(AT_ONCE)
        batches = [self._batch(publisher, each, at_once) for each in tenants]
        counts = await asyncio.gather(*batches, return_exceptions=True)  # all end before one raises
        for each in counts:
            if isinstance(each, BaseException):
                raise each
        return sum(each for each in counts if isinstance(each, int))

    async def _batch(self, publisher: Publisher, tenant: UUID, at_once: asyncio.Semaphore) -> int:
        async with at_once:
            return await self._relay_some(publisher, tenant)

    async def _relay_some(self, publisher: Publisher, tenant: UUID) -> int:
        now = self._clock()
        async with tenant_tx(self._pool, tenant, WORKER, now, suspended_too=True) as tx:
            messages = await pending.oldest(tx, BATCH)
        if not messages:
            return 0
        published = await publisher.publish(tenant, messages)
        async with tenant_tx(self._pool, tenant, WORKER, self._clock(), suspended_too=True) as tx:
            await pending.settle(tx, published.confirmed, published.faults)
        _tell(tenant, published)
        return len(published.confirmed)


def _tell(tenant: UUID, published: Published) -> None:
    for message, fault in published.faults:
        LOG.error("message_not_relayed", tenant=str(tenant), message=message.id, fault=fault)


async def _pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait; return whether to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
