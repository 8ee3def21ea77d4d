"""From tickets that are somebody's to stored asset ids, as a worker does it: the message, the
signed transactions stored before they are sent, the ledger on the same PostgreSQL, and what its
events told written down."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final, LiteralString, NamedTuple
from uuid import UUID, uuid4

import uvloop

from benchmarks.cloud.place import Place
from benchmarks.report import Row, progress, resident
from cloud.breakers.breaker import Breakers
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.keys.sealing import MasterKey
from cloud.ledger.rpc.opening import connected
from cloud.ledger.work import house as houses
from cloud.ledger.work.event_rows import Place as Event
from cloud.ledger.work.house import House
from cloud.ledger.work.told import CONSUMER
from cloud.ledger.work.writer import Writer
from cloud.messages.inbox import fan_out, take
from tests.cloud.ledger.rpc.facade.running import Facade, running

BASE: Final = "https://tickets.example"
SEALER: Final = MasterKey(os.urandom(32))  # one: the keys are sealed once in a database
EVERY: Final = 0.5  # seconds between two looks at how far it is
TENTHS: Final = 10
SCENE: Final = """
    INSERT INTO tenant (tenant_id, slug, name) VALUES ('{tenant}', 't{slug}', 'Bench');
    INSERT INTO account (account_id, email)
    SELECT gen_random_uuid(), n || '@{slug}.test' FROM generate_series(1, 1000) n;
    SELECT set_config('app.tenant', '{tenant}', false), set_config('app.actor', 'bench', false),
           set_config('app.move', 'issue', false);
    INSERT INTO venue (venue_id, name, timezone) VALUES ('{event}', 'Park', 'UTC');
    INSERT INTO event (event_id, ref, venue_id, name, timezone, doors_at, starts_at, ends_at,
                       currency, state)
    SELECT '{event}', decode('0000000000000001', 'hex'), '{event}', 'Night', 'UTC', t, t,
           t + interval '6 hours', 'eur', 'published'
      FROM (VALUES (now() + interval '30 days')) AS v (t);
    INSERT INTO ticket_class (event_id, class_index, name, price, capacity, entry)
    VALUES ('{event}', 0, 'Standing', 2500, {count}, '{{}}');
    INSERT INTO ticket (event_id, number, class_index, state, account_id, token)
    SELECT '{event}', n - 1, 0, 'active', a.ids[1 + n % 1000], decode(repeat('00', 102), 'hex')
      FROM generate_series(1, {count}) n,
           (SELECT array_agg(account_id) AS ids FROM account WHERE email LIKE '%@{slug}.test') a;
    ANALYZE;
"""
Opening = Callable[[Pool, MasterKey], AbstractAsyncContextManager[House]]
LEFT: Final[LiteralString] = "SELECT count(*) FROM asset WHERE event_id = $1 AND asset_id IS NULL"


class Minted(NamedTuple):
    """Tickets a second, the share of the time that this process worked, and its memory in MB at
    each tenth."""

    rate: float
    share: float
    resident: list[int]

    @property
    def grown(self) -> float:
        """How much it is at its most, by that at its first tenth."""
        return max(self.resident) / self.resident[0]


def minted_rows(place: Place, tickets: int, over_rpc: int) -> list[Row]:
    """Sell at a stroke, and mint into the ledger inside the service; then fewer, over JSON-RPC."""
    embedded = uvloop.run(_minted(place, _sold(place, tickets), tickets, _inside))
    sold = _sold(place, over_rpc)
    with running(place.database.app_url) as facade:
        reached = uvloop.run(_minted(place, sold, over_rpc, partial(_reached, facade)))
    return [
        Row(f"from {tickets:,} tickets to stored asset ids", embedded.rate, "/s", 500, "at least",
            f"the whole way of a worker; {embedded.share:.0%} of the time is this process's"),
        Row("memory of that at its most, by its first tenth's", embedded.grown, "times", 1.1,
            "at most", f"in all, at each tenth: {', '.join(map(str, embedded.resident))} MB"),
        Row(f"from {over_rpc:,} tickets to stored asset ids over JSON-RPC", reached.rate, "/s", 50,
            "at least", "each transaction tried, simulated, sent, looked for, read and booked; "
            f"{reached.share:.0%} of the time is this process's; the node stands beside it, on the "
            "same cores"),
    ]  # fmt: skip


@asynccontextmanager
async def _inside(pool: Pool, sealer: MasterKey) -> AsyncIterator[House]:
    async with houses.embedded(pool, _now, sealer, BASE) as house:
        yield house


@asynccontextmanager
async def _reached(facade: Facade, pool: Pool, sealer: MasterKey) -> AsyncIterator[House]:
    keys = await houses.keys_of(pool, sealer, _now())
    facade.ask("requestAirdrop", [str(keys.parties.payer), 10**12])
    async with connected([facade.address], breakers=Breakers(None)) as chain:
        yield houses.over(chain, keys, BASE)


def _sold(place: Place, tickets: int) -> Event:
    """Make an event whose tickets are all sold."""
    tenant, event = uuid4(), uuid4()
    place.database.run(
        SCENE.format(tenant=tenant, event=event, slug=tenant.hex[:12], count=tickets)
    )
    return Event(tenant, event)


async def _minted(place: Place, sold: Event, tickets: int, opening: Opening) -> Minted:
    """Mint an event's tickets."""
    tenant, event = sold.tenant, sold.event_id
    pool = await place.database.pool()
    try:
        async with opening(pool, SEALER) as house:
            begun, worked = time.perf_counter(), time.process_time()
            await _tell(pool, tenant, event, tickets)
            resident = await _written(pool, place.database.app_url, house, sold)
            taken, worked = time.perf_counter() - begun, time.process_time() - worked
            if left := await _left(pool, tenant, event):
                raise SystemExit(f"{left} have no asset")
    finally:
        await pool.close()
    return Minted(tickets / taken, worked / taken, resident)


async def _written(pool: Pool, url: str, house: House, event: Event) -> list[int]:
    """Write until all have their asset; return the memory in use, in MB, at each tenth."""
    writer, sizes = Writer(pool, url, house, _now), list[int]()
    total = await _left(pool, event.tenant, event.event_id)
    with progress() as bar:
        task = bar.add_task("mint", total=total)
        writing = asyncio.create_task(_write(writer, pool, event))
        while not writing.done():
            await asyncio.wait([writing], timeout=EVERY)
            done = total - await _left(pool, event.tenant, event.event_id)
            bar.update(task, completed=done)
            sizes += [resident()] * (done * TENTHS // total - len(sizes))
        await writing
    return sizes


async def _write(writer: Writer, pool: Pool, event: Event) -> None:
    while await writer.work(event) and await _left(pool, event.tenant, event.event_id):
        pass


async def _tell(pool: Pool, tenant: UUID, event: UUID, tickets: int) -> None:
    """Publish that the tickets were issued, and have the ledger hear it."""
    async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
        await tx.publish("ticket.issued", f"event:{event}", event_id=event, first=0, count=tickets)
    async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
        await fan_out(tx, [CONSUMER], 10)
    while await take(pool, tenant, CONSUMER, _now()):
        pass


async def _left(pool: Pool, tenant: UUID, event: UUID) -> int:
    async with tenant_tx(pool, tenant, WORKER, _now()) as tx:
        return int(await tx.conn.fetchval(LEFT, event))


def _now() -> datetime:
    return datetime.now(UTC)
