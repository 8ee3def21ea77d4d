"""A tenant's messages to the broker, each confirmed for each of its consumers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from aiormq import Channel
from aiormq.exceptions import DeliveryError, PublishError
from opentelemetry.trace import SpanKind

from cloud.broker import topology
from cloud.broker.envelope import body_of, properties_of
from cloud.broker.waves import waves
from cloud.messages.consumer import Consumer, Message
from cloud.spans import joining, traceparent

CONFIRMING: Final = 15.0  # seconds for a wave
UNROUTABLE: Final = "message_unroutable"  # its queue is gone
REFUSED: Final = "message_refused"  # its queue is full


class Published(NamedTuple):
    """What became of some messages. Those in neither had to wait for one that failed."""

    confirmed: list[int]
    faults: list[tuple[Message, str]]


class Publisher:
    """Publishes on one channel, for as long as that is open."""

    def __init__(self, channel: Channel, consumers: Sequence[Consumer]) -> None:
        self._channel = channel
        self._told = by_topic(consumers)
        self._names = [each.name for each in consumers]
        self._declared: set[UUID] = set()

    async def publish(self, tenant: UUID, messages: Sequence[Message]) -> Published:
        """Publish what is in its order. Of a key, none goes before the one ahead is confirmed.

        Raises `TimeoutError` where the broker is silent, and an `AMQPError` or a
        `RuntimeError` where the channel is closed: then nothing is known of any.
        """
        await self._declare(tenant)
        done = Published([], [])
        held: set[str] = set()
        for wave in waves(messages):
            going = [each for each in wave if each.key not in held]
            async with asyncio.timeout(CONFIRMING):
                faults = await asyncio.gather(*(self._tell(tenant, each) for each in going))
            for each, fault in zip(going, faults, strict=True):
                if fault:
                    held.add(each.key)
                    done.faults.append((each, fault))
                else:
                    done.confirmed.append(each.id)
        if any(fault == UNROUTABLE for _, fault in done.faults):
            self._declared.discard(tenant)  # somebody has removed a queue
        return done

    async def _declare(self, tenant: UUID) -> None:
        if tenant not in self._declared:
            for name in self._names:
                await topology.declare(self._channel, name, tenant)
            self._declared.add(tenant)

    async def _tell(self, tenant: UUID, message: Message) -> str:
        """Publish to each consumer; return what is wrong, "" if each has it."""
        told = self._told.get(message.topic, ())
        body = body_of(tenant, message)
        try:
            for name in told:
                with joining(f"{name} send", message.trace, SpanKind.PRODUCER):
                    await self._publish(tenant, name, message, body)
        except PublishError:
            return UNROUTABLE
        except DeliveryError:
            return REFUSED
        return ""

    async def _publish(self, tenant: UUID, name: str, message: Message, body: bytes) -> None:
        await self._channel.basic_publish(
            body,
            exchange=topology.exchange_of(name),
            routing_key=str(tenant),
            properties=properties_of(name, message, traceparent() or message.trace),
            mandatory=True,
            wait=False,  # for the socket: the confirm says more
        )


def by_topic(consumers: Sequence[Consumer]) -> Mapping[str, list[str]]:
    """Return whom each topic is told to."""
    told: dict[str, list[str]] = {}
    for each in consumers:
        for topic in each.handlers:
            told.setdefault(topic, []).append(each.name)
    return told
