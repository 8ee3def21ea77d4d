"""The collector of dead letters: into the inbox of whom they were for, with what they died of.

There they are listed, shown, replayed or dropped like those that died in process
(cloud/messages). A letter is taken from the broker once that is committed. Those of no tenant
or consumer that is known here are kept in the broker, in the queue of strays, and told of.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from aiormq import Channel
from aiormq.abc import DeliveredMessage

from cloud.broker import topology
from cloud.broker.connection import Address, closes, connected, open_channel
from cloud.broker.envelope import PERSISTENT, Unreadable, headers_of, read, remains
from cloud.db.connect import Pool
from cloud.errors import Refusal
from cloud.messages import inbox
from cloud.messages.consumer import Consumer

LOG = structlog.get_logger("usher.broker")
PREFETCH: Final = 20
CONFIRMING: Final = 10.0  # seconds
LOOPED: Final = "message_deliveries_exceeded"  # it was given back too often
FAILED: Final = "message_failed"  # its handler failed as often as it may


class Burying:
    """A part of a worker."""

    def __init__(
        self,
        where: Address,
        pool: Pool,
        consumers: Sequence[Consumer],
        clock: Callable[[], datetime],
    ) -> None:
        self._where = where
        self._pool = pool
        self._consumers = {each.name: each for each in consumers}
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop` is set; raise where database or broker are lost."""
        letters: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        async with connected(self._where, "dead letters") as broker:
            channel = await open_channel(broker)
            await topology.declare_dead(channel)
            await channel.basic_qos(prefetch_count=PREFETCH)
            await channel.basic_consume(topology.DEAD, letters.put)
            lost = closes(channel)
            channel.on_consumer_cancel_callbacks.add(lambda _: lost.set())
            while not stop.is_set():
                letter = await _first(letters, stop, lost)
                if lost.is_set():
                    raise ConnectionResetError
                if letter is not None:
                    await self._collect(channel, letter)

    async def _collect(self, channel: Channel, letter: DeliveredMessage) -> None:
        owner = topology.owner_of(died_in(headers_of(letter)))
        if owner is None or not await self._bury(letter, *owner):
            LOG.error("message_strayed", queue=died_in(headers_of(letter)))
            await _set_aside(channel, letter)
        await channel.basic_ack(letter.delivery_tag or 0)

    async def _bury(self, letter: DeliveredMessage, name: str, tenant: UUID) -> bool:
        """Bury a letter; return whether there is who owns it."""
        consumer = self._consumers.get(name)
        if consumer is None:
            return False
        now = self._clock()
        try:
            message, reason = read(letter, tenant), died_of(headers_of(letter))
        except Unreadable as error:
            message, reason = remains(letter, now), error.code
        try:
            await inbox.bury(self._pool, tenant, consumer, message, reason, now)
        except Refusal:
            return False  # its tenant is not known
        LOG.error(
            "message_dead", consumer=name, tenant=str(tenant), message=message.id, fault=reason
        )
        return True


def died_in(headers: Mapping[str, Any]) -> str:
    """Return the queue that gave it up first, "" for a letter that nobody's queue has had."""
    queue = headers.get("x-first-death-queue", "")
    return queue if isinstance(queue, str) else ""


def died_of(headers: Mapping[str, Any]) -> str:
    """Return why its queue gave up a message that can be read."""
    reason = headers.get("x-first-death-reason")
    return {"delivery_limit": LOOPED, "rejected": FAILED}.get(str(reason), f"message_{reason}")


async def _set_aside(channel: Channel, letter: DeliveredMessage) -> None:
    letter.header.properties.delivery_mode = PERSISTENT
    await channel.basic_publish(
        letter.body,
        exchange=topology.STRAY,
        properties=letter.header.properties,
        mandatory=True,
        timeout=CONFIRMING,
    )


async def _first(
    letters: asyncio.Queue[DeliveredMessage], stop: asyncio.Event, lost: asyncio.Event
) -> DeliveredMessage | None:
    """Return the next letter, None if there is an end before."""
    get = asyncio.create_task(letters.get())
    ends = [asyncio.create_task(each.wait()) for each in (stop, lost)]
    try:
        await asyncio.wait([get, *ends], return_when="FIRST_COMPLETED")
    finally:
        for each in ends:
            each.cancel()
    if get.done():
        return get.result()
    get.cancel()
    with suppress(asyncio.CancelledError):
        await get
    return None
