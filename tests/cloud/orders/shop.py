"""Events with tickets on a real database, the fake of Stripe as a process, and the short words
for what buyers, the provider and the worker do.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import pytest

from cloud.db.connect import Pool
from cloud.db.tenancy import Origin, PlatformTx, TenantTx, platform_tx, tenant_tx
from cloud.keys.issuers import Issuers
from cloud.keys.keyring import Keyring
from cloud.keys.sealing import MasterKey
from cloud.messages.consumer import Consumer
from cloud.orders import holding, jobs, paying, reading, refunding, repository, webhook
from cloud.orders.holding import Limits
from cloud.orders.model import Wanted
from cloud.orders.repository import Order
from cloud.orders.till import Till
from cloud.payments.objects import Intent, RefundResult
from cloud.payments.provider import StripeProvider
from cloud.payments.webhooks import ProviderEvent
from cloud.sweeps import sweep
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import dispatch
from tests.cloud.payments import processes
from tests.cloud.payments.processes import KEY, Running

TENANT: Final = UUID(int=1)
OTHER: Final = UUID(int=2)
VENUE: Final = UUID(int=3)
MASTER: Final = bytes(range(32))
HOLD: Final = 600  # seconds
NUMBERS = count(1)
T = TypeVar("T")

SCENE: Final = f"""
    INSERT INTO tenant (tenant_id, slug, name, fee_bps, fees_fixed)
    VALUES ('{TENANT}', 'one', 'One', 250, '[{{"currency": "eur", "amount": 30}}]'),
           ('{OTHER}', 'two', 'Two', 0, '[]');
    INSERT INTO account (account_id, email)
    SELECT lpad(to_hex(n), 32, '0')::uuid, n || '@x.test' FROM generate_series(1000, 1999) n;
    SELECT set_config('app.tenant', '{TENANT}', false), set_config('app.actor', 'test', false);
    INSERT INTO venue (venue_id, name, timezone) VALUES ('{VENUE}', 'Park', 'UTC');
"""
EVENT: Final = """
    SELECT set_config('app.tenant', '{tenant}', false), set_config('app.actor', 'test', false),
           set_config('app.move', 'create', false);
    INSERT INTO event (event_id, ref, venue_id, name, timezone, doors_at, starts_at, ends_at,
                       currency, state)
    SELECT '{event}', decode(lpad(to_hex({number}), 16, '0'), 'hex'), '{venue}', 'Night', 'UTC',
           t, t, t + interval '6 hours', '{currency}', 'published'
      FROM (VALUES ('{doors}'::timestamptz)) AS v (t);
"""
CLASS: Final = """
    INSERT INTO ticket_class
        (event_id, class_index, name, price, capacity, per_order, seated, entry)
    VALUES ('{event}', {index}, 'Class', {price}, {count}, {per_order}, {seated}, '{{}}');
    INSERT INTO ticket (event_id, number, class_index, state, seat)
    SELECT '{event}', {index} * 10000 + n - 1, {index}, 'created',
           CASE WHEN {seated} THEN 'S' || n END FROM generate_series(1, {count}) n;
"""


def buyer(number: int) -> UUID:
    """Return one of a thousand accounts."""
    return UUID(int=1000 + number)


@dataclass(frozen=True)
class Class:
    """A ticket class to make."""

    price: int = 2500
    count: int = 3
    per_order: int = 10
    seated: bool = False


class Shop:
    """What lasts from one test to the next."""

    def __init__(self, database: Database, fake: Running) -> None:
        self.database = database
        self.fake = fake
        self.issuers = Issuers(Keyring(MasterKey(MASTER)))
        self.now = datetime.now(UTC)
        self.tenant = TENANT

    def event(self, *classes: Class, currency: str = "eur") -> UUID:
        """Make a published event with its tickets."""
        event = uuid4()
        doors = self.now + timedelta(days=400)
        sql = EVENT.format(
            tenant=TENANT, event=event, number=next(NUMBERS), venue=VENUE, doors=doors.isoformat(),
            currency=currency,
        )  # fmt: skip
        for index, each in enumerate(classes or (Class(),)):
            sql += CLASS.format(event=event, index=index, **each.__dict__)
        self.database.run(sql)
        return event

    def rows(self, sql: str, *args: object) -> list[Any]:
        """Return what is really there; also from within a running loop."""
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(self.database.rows, sql, *args).result()

    def tickets(self, event: UUID) -> dict[str, int]:
        """Return how many of an event's tickets are in which state."""
        sql = "SELECT state, count(*) AS n FROM ticket WHERE event_id = $1 GROUP BY state"
        return {row["state"]: row["n"] for row in self.rows(sql, event)}

    def balances(self) -> dict[str, int]:
        """Return what each account comes to."""
        sql = "SELECT account, sum(amount) AS n FROM posting GROUP BY account ORDER BY account"
        return {row["account"]: int(row["n"]) for row in self.rows(sql)}

    def run(self, work: "Callable[[Desk], Awaitable[T]]", size: int = 8) -> T:
        """Return what `work` makes of an open desk."""

        async def working() -> T:
            async with self.open(size) as desk:
                return await work(desk)

        return awaited(working())

    @asynccontextmanager
    async def open(self, size: int = 8) -> "AsyncIterator[Desk]":
        """Open the pool and the way to the provider."""
        pool = await self.database.pool(size)
        provider = StripeProvider(KEY, self.fake.address, timeout=60, retries=0)
        try:
            yield Desk(self, pool, provider, Till(provider, 4, 60))
        finally:
            await provider.aclose()
            await pool.close()


@dataclass(frozen=True)
class Desk:
    """Where a test acts."""

    shop: Shop
    pool: Pool
    provider: StripeProvider
    till: Till

    @asynccontextmanager
    async def tx(self, tenant: UUID = TENANT) -> AsyncIterator[TenantTx]:
        """Open a transaction."""
        async with tenant_tx(self.pool, tenant, Origin("test"), self.shop.now) as tx:
            yield tx

    @asynccontextmanager
    async def ptx(self) -> AsyncIterator[PlatformTx]:
        """Open a transaction outside every tenant."""
        async with platform_tx(self.pool, Origin("anonymous"), self.shop.now) as ptx:
            yield ptx

    async def hold(
        self, event: UUID, who: int = 0, *, quantity: int = 1, class_index: int = 0,
        seats: Sequence[str] | None = None, most: int = 100,
    ) -> UUID:  # fmt: skip
        """Hold tickets of one class."""
        wanted = Wanted(class_index, len(seats) if seats else quantity, tuple(seats or ()) or None)
        return await self.place(event, who, [wanted], most=most)

    async def place(
        self, event: UUID, who: int, wanted: Sequence[Wanted], *, most: int = 100
    ) -> UUID:
        """Hold tickets."""
        async with self.tx() as tx:
            return await holding.place(tx, buyer(who), event, wanted, Limits(HOLD, most))

    async def ask(self, order: UUID) -> str | None:
        """Ask to pay an order; return the client secret."""
        async with self.tx() as tx:
            locked = await reading.locked(tx, order)
            return await paying.pay(tx, self.till, self.shop.issuers, locked)

    async def give_up(self, order: UUID) -> None:
        """Give a hold up."""
        async with self.tx() as tx:
            locked = await reading.locked(tx, order)
            await paying.give_up(tx, self.till, self.shop.issuers, locked)

    async def refund(self, order: UUID, tickets: Sequence[UUID] | None = None) -> UUID | None:
        """Give tickets back."""
        async with self.tx() as tx:
            locked = await reading.locked(tx, order)
            return await refunding.give_back(tx, locked, tickets, "Bought by mistake.")

    async def retry(self, order: UUID) -> None:
        """Try refunds again that failed."""
        async with self.tx() as tx:
            await refunding.again(tx, await reading.locked(tx, order))

    async def call_off(self, event: UUID) -> None:
        """Cancel an event; what follows from that is a worker's."""
        async with self.tx() as tx:
            await tx.conn.execute("UPDATE event SET state = 'cancelled' WHERE event_id = $1", event)
            await tx.publish("event.cancelled", f"event:{event}", event_id=event, version=2)

    async def order(self, order: UUID) -> Order:
        """Return an order as it is."""
        async with self.tx() as tx:
            found = await repository.read(tx, order)
        assert found is not None
        return found

    async def tickets(self, order: UUID) -> list[UUID]:
        """Return the tickets of an order."""
        async with self.tx() as tx:
            return [item.ticket_id for item in await repository.items_of(tx, order)]

    async def card(self, intent: str, card: str = "pm_card_visa") -> Intent:
        """Pay as the buyer's browser does; return the payment as it stands then."""
        path = f"/v1/payment_intents/{intent}/confirm"
        self.shop.fake.post(path, {"payment_method": card})
        return await self.provider.retrieve(intent)

    async def paid(self, event: UUID, who: int = 0, *, quantity: int = 1) -> UUID:
        """Hold and pay, and let the news come."""
        order = await self.hold(event, who, quantity=quantity)
        await self.ask(order)
        await self.hear(await self.card((await self.order(order)).intent or ""))
        return order

    async def hear(self, told: Intent | RefundResult, event_id: str = "") -> str:
        """Let the provider's message come about an object; return what was done."""
        kind = "refund.updated"
        if isinstance(told, Intent):
            kind = {"succeeded": "payment_intent.succeeded",
                    "canceled": "payment_intent.canceled"}.get(
                        told.status.value, "payment_intent.payment_failed")  # fmt: skip
        event = ProviderEvent(event_id or f"evt_{uuid4().hex}", kind, 0, told)
        async with self.ptx() as ptx:
            return await webhook.hear(ptx, self.shop.issuers, event)

    async def work(self) -> None:
        """Handle every message that is due."""
        self.shop.now = max(self.shop.now, datetime.now(UTC))
        await dispatch(
            self.pool, TENANT, Consumer("orders", jobs.handlers(self.provider)), self.shop.now
        )

    async def sweep(self) -> None:
        """Run every sweep once."""
        for one in jobs.sweeps(self.provider, self.shop.issuers):
            await sweep(self.pool, one, lambda: self.shop.now)

    async def topics(self, order: UUID) -> list[str]:
        """Return what was told of an order, in order."""
        sql = "SELECT topic FROM outbox WHERE key = $1 ORDER BY message_id"
        async with self.tx() as tx:
            return [row["topic"] for row in await tx.conn.fetch(sql, f"order:{order}")]


@pytest.fixture(scope="module")
def shop(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose provider's webhooks are carried by the test itself."""
    database.run(SCENE)
    data: Path = tmp_path_factory.mktemp("stripe") / "fake.db"
    with processes.fake(data) as fake:
        yield Shop(database, fake)
