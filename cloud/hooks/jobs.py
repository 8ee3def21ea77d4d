"""What workers do for webhooks: make deliveries of messages, and make the calls.

A call is made outside any transaction, between one that takes the delivery for a while and one
that notes how it went. A sender that dies in between leaves a delivery that is sent again under
the same id: receivers get each at least once, and tell repetitions by `webhook-id`.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import httpx
import structlog

from cloud.breakers.breaker import Breakers, Call, Resting
from cloud.breakers.model import Outcome, Rule
from cloud.db.connect import LENT, Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.hooks import repository
from cloud.hooks.model import GONE, PATIENCE, body_of, next_try, rest, sign
from cloud.hooks.reaching import Answer, Caller, Vetted, is_public, is_public_or_loopback
from cloud.hooks.repository import Delivery, Due, Endpoint
from cloud.http.kernel import Sealer
from cloud.messages.consumer import Consumer, Handler, Message
from cloud.pacing import Paced
from cloud.spans import joining
from cloud.topics import TOPICS, told

LOG = structlog.get_logger("usher.hooks")
CHANNEL: Final = "usher_hooks"
AT_ONCE: Final = 32  # endpoints; a tenant has ten at the most
TURN: Final = 50  # deliveries to one of them, before the others have their turn
LONGEST: Final = 20.0  # seconds of a turn: who takes all, but slowly, must not keep a place
PACE: Final = 0.02  # seconds
# Each failure in a row makes its endpoint rest by itself (model.rest); the breaker is for one that
# takes some calls and fails the others, and so is called all the time.
RULE: Final = Rule(least=20, rest=30_000)


async def on_message(tx: TenantTx, message: Message) -> None:
    """Make a delivery of a message for everybody who wants it."""
    body = body_of(message.topic, message.version, message.at, told(message.payload))
    await repository.put(tx, message.id, message.topic, body)


def consumer() -> Consumer:
    """Return who is told of every public topic."""
    handlers: Mapping[str, Handler] = {
        topic: on_message for topic, each in TOPICS.items() if each.told
    }
    return Consumer("hooks", handlers, together=20)


class Sender:
    """Makes the calls that are due. `pool`: of its worker."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        caller: Caller,
        clock: Callable[[], datetime],
        breakers: Breakers,
        longest: float = LONGEST,
    ) -> None:
        self._pool = pool
        self._sealer = sealer
        self._caller = caller
        self._clock = clock
        self._breakers = breakers
        self._longest = longest

    async def due(self) -> list[Due]:
        """Return endpoints for which something is due."""
        async with self._pool.acquire(timeout=LENT) as conn:
            return await repository.due(conn, self._clock())

    async def send(self, to: Due) -> bool:
        """Send what is due for an endpoint, until one fails."""
        end = time.monotonic() + self._longest
        try:
            for _ in range(TURN):
                if not await self._one(to) or time.monotonic() > end:
                    break
        except Resting:
            return False
        except Exception as error:  # noqa: BLE001 - a fault of ours or the database's
            LOG.warning("hook_broke", endpoint=str(to.endpoint_id), fault=type(error).__name__)
            return False
        return True

    async def _one(self, to: Due) -> bool:
        """Send one delivery; return whether there was one and it was taken."""
        async with self._breakers.of(f"hooks:{to.endpoint_id}", RULE).guarding() as call:
            call.outcome = Outcome.NONE
            return await self._deliver(to, call)

    async def _deliver(self, to: Due, call: Call) -> bool:
        async with tenant_tx(
            self._pool, to.tenant, WORKER, self._clock(), suspended_too=True
        ) as tx:
            found = await repository.endpoints(tx, to.endpoint_id)
            if not found or found[0].paused_at is not None:
                return False
            delivery = await repository.take(tx, to.endpoint_id)
        if delivery is None:
            return False
        began = time.monotonic()
        with joining("hook", delivery.trace):
            answer = await self._call(found[0], delivery)
        call.outcome = Outcome.GOOD if answer.well else Outcome.BAD
        ms = round((time.monotonic() - began) * 1000)
        async with tenant_tx(
            self._pool, to.tenant, WORKER, self._clock(), suspended_too=True
        ) as tx:
            await repository.note(tx, delivery.delivery_id, answer.status, answer.fault, ms)
            await settle(tx, found[0].endpoint_id, delivery, answer, random.random())
        return answer.taken

    async def _call(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        now = self._clock()
        secrets = [self._opened(endpoint, endpoint.sealed)]
        if endpoint.sealed_before and endpoint.before_until and now < endpoint.before_until:
            secrets.append(self._opened(endpoint, endpoint.sealed_before))
        signed = sign(f"msg_{delivery.delivery_id.hex}", now, delivery.body, secrets)
        return await self._caller.post(endpoint.url, [*signed.headers.items()], signed.body)

    def _opened(self, endpoint: Endpoint, sealed: bytes) -> bytes:
        return self._sealer.unseal(sealed, context(endpoint))


def context(endpoint: Endpoint) -> str:
    """Return what an endpoint's secrets are sealed as."""
    return f"hook/{endpoint.endpoint_id}"


async def settle(
    tx: TenantTx, endpoint_id: UUID, delivery: Delivery, answer: Answer, jitter: float
) -> None:
    """Take in how a call went: taken, to be tried again, or given up; and its endpoint with it."""
    if answer.taken:
        await repository.taken(tx, endpoint_id, delivery.delivery_id)
        return
    endpoint = await repository.lock(tx, endpoint_id)
    if endpoint is None:
        return
    again = next_try(delivery.attempts + 1, tx.now, jitter)
    resting = tx.now + rest(endpoint.failures + 1)
    await repository.failed(tx, endpoint_id, delivery.delivery_id, again, resting)
    since = endpoint.failing_since or tx.now
    why = "gone" if answer.status == GONE else "failing" if tx.now - since > PATIENCE else ""
    if why and await repository.pause(tx, endpoint_id, why):
        await tx.audit("hook.paused", f"hook:{endpoint_id}", why=why)
        await tx.publish("hook.paused", f"hook:{endpoint_id}", endpoint_id=endpoint_id, why=why)


def sending(
    pool: Pool,
    listen_url: str,
    sealer: Sealer,
    clock: Callable[[], datetime],
    breakers: Breakers,
    *,
    loopback: bool,
    tls: ssl.SSLContext | None = None,
) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return what makes the calls, as part of a worker. `loopback`: also to this machine."""
    allowed = is_public_or_loopback if loopback else is_public

    async def run(stop: asyncio.Event) -> None:
        caller = Caller(Vetted(allowed), tls or httpx.create_ssl_context())
        sender = Sender(pool, sealer, caller, clock, breakers)
        paced = Paced(
            listen_url, CHANNEL, sender.due, sender.send, pace=PACE, share=0.0, at_once=AT_ONCE
        )
        try:
            await paced.run(stop)
        finally:
            await caller.aclose()

    return run


async def sweep(tx: TenantTx) -> int:
    """Forget what is old."""
    await repository.forget(tx)
    return 0
