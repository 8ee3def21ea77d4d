"""From tickets that are somebody's to stored asset ids, as a worker does it: the message, the
signed transactions stored before they are sent, the ledger on the same PostgreSQL, and what its
events told written down."""

import os
import resource
import time
from datetime import UTC, datetime
from typing import Final, LiteralString
from uuid import UUID, uuid4

import uvloop

from benchmarks.cloud.place import Place
from benchmarks.report import Row
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.keys.sealing import MasterKey
from cloud.ledger.work import house as houses
from cloud.ledger.work.event_rows import Place as Event
from cloud.ledger.work.told import CONSUMER
from cloud.ledger.work.writer import Writer
from cloud.messages.inbox import fan_out, take

BASE: Final = "https://tickets.example"
KILO: Final = 1024
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
LEFT: Final[LiteralString] = "SELECT count(*) FROM asset WHERE event_id = $1 AND asset_id IS NULL"


def minted_rows(place: Place, tickets: int) -> list[Row]:
    """Sell at a stroke, and mint."""
    tenant, event = uuid4(), uuid4()
    place.database.run(
        SCENE.format(tenant=tenant, event=event, slug=tenant.hex[:12], count=tickets)
    )
    return uvloop.run(_rows(place, tenant, event, tickets))


async def _rows(place: Place, tenant: UUID, event: UUID, tickets: int) -> list[Row]:
    pool = await place.database.pool()
    sealer = MasterKey(os.urandom(32))
    try:
        async with houses.embedded(pool, _now, sealer, BASE) as house:
            begun, worked = time.perf_counter(), time.process_time()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            await _tell(pool, tenant, event, tickets)
            writer = Writer(pool, place.database.app_url, house, _now)
            while await writer.work(Event(tenant, event)) and await _left(pool, tenant, event):
                pass
            taken, worked = time.perf_counter() - begun, time.process_time() - worked
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            if left := await _left(pool, tenant, event):
                raise SystemExit(f"{left} have no asset")
    finally:
        await pool.close()
    return [
        Row(f"from {tickets:,} tickets to stored asset ids", tickets / taken, "/s", 500,
            "at least", f"the whole way of a worker; {worked / taken:.0%} of the time is this "
            f"process's, which grew by {grown / KILO:.0f} MB on the way"),
    ]  # fmt: skip


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
