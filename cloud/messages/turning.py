"""In process: a worker's part that relays messages and hands them to their consumers, in turns.

    dispatch = Dispatch(pool, listen_url, consumers, clock)
    await dispatch.run(stop)

One loop relays, and one for each consumer handles: a slow or failing one holds up no other.
Each goes from tenant to tenant, `MOST` messages at a time, so that no tenant's flood does. Every
worker runs them: rows are locked, and what one has another passes by. With a broker the outbox
is the broker's to relay, and only what was replayed is handled here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, LiteralString
from uuid import UUID

import structlog

from cloud.db.connect import LENT, Pool, connect, hang_up
from cloud.db.outbox import waiting
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.messages.consumer import Consumer
from cloud.messages.inbox import fan_out, take, take_counted
from cloud.pacing import first_of

LOG = structlog.get_logger("usher.messages")
MOST: Final = 100  # messages of one tenant before the others have their turn
POLL: Final = 5.0  # seconds between two looks if nothing wakes it
RETRY: Final = 2.0  # seconds after a failure of the database
OUTBOX: Final = ""  # no consumer's name
ARRIVALS: Final[LiteralString] = "SELECT tenants_with_arrivals($1) AS tenant_id"
Turn = Callable[[], Awaitable[int]]


class Dispatch:
    """`listen_url`: where it is woken. `relays`: whether the outbox is this one's to relay."""

    def __init__(
        self,
        pool: Pool,
        listen_url: str,
        consumers: Sequence[Consumer],
        clock: Callable[[], datetime],
        *,
        relays: bool = True,
    ) -> None:
        self._pool = pool
        self._url = listen_url
        self._consumers = consumers
        self._clock = clock
        self._relays = relays
        self._begun: set[tuple[UUID, str]] = set()  # whose first messages were taken

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is in hand; raise where it can't be woken."""
        ears = _Ears()
        conn: Any = await connect(self._url)
        try:
            await conn.add_listener("usher_outbox", ears.hear_outbox)
            await conn.add_listener("usher_inbox", ears.hear_inbox)
            async with asyncio.TaskGroup() as group:
                for name, turn in self._turns():
                    group.create_task(_persist(turn, ears.woken(name), stop))
                while not stop.is_set():
                    await first_of(stop, seconds=POLL)
                    if conn.is_closed():
                        raise ConnectionResetError
        finally:
            await hang_up(conn)

    async def all(self, stop: asyncio.Event | None = None) -> int:
        """Handle all that is due, in turns; return how many messages and consumers that were."""
        handled = 0
        while stop is None or not stop.is_set():
            relayed = await self._relay() if self._relays else 0
            taken = sum([await self._take(each) for each in self._consumers])
            if not relayed + taken:
                break
            handled += taken
        return handled

    def _turns(self) -> list[tuple[str, Turn]]:
        relay: list[tuple[str, Turn]] = [(OUTBOX, self._relay)] if self._relays else []
        return [*relay, *((each.name, partial(self._take, each)) for each in self._consumers)]

    async def _relay(self) -> int:
        async with self._pool.acquire(timeout=LENT) as conn:
            tenants = await waiting(conn)
        return sum(
            [await relay(self._pool, each, self._consumers, self._clock()) for each in tenants]
        )

    async def _take(self, consumer: Consumer) -> int:
        async with self._pool.acquire(timeout=LENT) as conn:
            rows = await conn.fetch(ARRIVALS, consumer.name)
        return sum([await self._drain(row["tenant_id"], consumer) for row in rows])

    async def _drain(self, tenant: UUID, consumer: Consumer) -> int:
        first = 0
        if (tenant, consumer.name) not in self._begun:
            self._begun.add((tenant, consumer.name))
            first = await take_counted(
                self._pool, tenant, consumer, self._clock(), consumer.together
            )
        return first + await drain(self._pool, tenant, consumer, self._clock())


async def relay(
    pool: Pool, tenant: UUID, consumers: Sequence[Consumer], now: datetime, most: int = MOST
) -> int:
    """Put a tenant's messages, `most` of them, before the consumers; return how many."""
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        return await fan_out(tx, consumers, most)


async def drain(
    pool: Pool, tenant: UUID, consumer: Consumer, now: datetime, most: int = MOST
) -> int:
    """Have a consumer handle what it has of a tenant until none is due, or `most`."""
    handled = 0
    while handled < most:
        asked = min(consumer.together, most - handled)
        took = await take(pool, tenant, consumer, now, asked)
        handled += took
        if took < asked:
            break
    return handled


class _Ears:
    """Wakes whoever the news are for, and nobody else."""

    def __init__(self) -> None:
        self._each: dict[str, asyncio.Event] = {}

    def woken(self, name: str) -> asyncio.Event:
        """Return an event that is set by news for a consumer, or for the `OUTBOX`."""
        return self._each.setdefault(name, asyncio.Event())

    def hear_outbox(self, *_: Any) -> None:
        """Wake who relays."""
        self.woken(OUTBOX).set()

    def hear_inbox(self, _conn: Any, _pid: int, _channel: str, told: str) -> None:
        """Wake the consumers that are named, or all."""
        for name in told.split(",") if told else self._each:
            self.woken(name).set()


async def _persist(turn: Turn, woken: asyncio.Event, stop: asyncio.Event) -> None:
    """Take turns while there is something, whatever a turn dies of: a fault of one tenant's."""
    while not stop.is_set():
        woken.clear()
        rest, news = POLL, woken
        try:
            while not stop.is_set() and await turn():
                pass
        except Exception as error:  # noqa: BLE001 - the next round tries again
            LOG.warning("dispatch_interrupted", fault=type(error).__name__)
            rest, news = RETRY, stop
        await first_of(stop, news, seconds=rest)
