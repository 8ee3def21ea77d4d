"""Logs that came in before they were indexed are found, counted and merged like any others."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from cloud.db.migrate import migrations
from cloud.db.roles import prepare
from cloud.embedded.postgres import Postgres
from tests.cloud.database import APP_PASSWORD, OWNER_PASSWORD, url
from tests.scribe import EVENT, Scribe

NAME = "usher_before_logs"
NUMBER = 14
TENANTS = """
    INSERT INTO tenant (tenant_id, slug, name) VALUES ('{0}', 't{1}', 'T'), ('{2}', 't{3}', 'T');
    SELECT set_config('app.tenant', '{0}', false);
    INSERT INTO venue (venue_id, name, timezone) VALUES ('{0}', 'Arena', 'Europe/Madrid');
    INSERT INTO event (ref, venue_id, name, timezone, doors_at, starts_at, ends_at, currency)
    VALUES ('\\x{4}', '{0}', 'Festival', 'Europe/Madrid', now(), now(),
            now() + interval '1 hour', 'eur');
"""
DEVICE = "INSERT INTO device (device_id, public, kind, name) VALUES ($1, $2, 'gate', 'North')"
RECORD = """
    INSERT INTO record (event_ref, record_id, device_id, incarnation, seq, kind, ticket, raw)
    VALUES ($1, substring(sha256($7) FROM 1 FOR 16), $2, $3, $4, $5, $6, $7)
"""


def gate() -> Scribe:
    """Return a gate that let one in, and booted twice from there: once from a copy of its disk."""
    written = Scribe("before")
    written.boot()
    written.enter("ann")
    head = written.head
    written.boot()
    written.incarnation -= 1
    written.boot(prev=head)
    return written


async def upgraded(postgres: Postgres, tenant: UUID, other: UUID) -> list[Any]:
    """Migrate up to the one before, add records, migrate on; return what is noted of them."""
    await prepare(
        postgres.superuser_url, NAME, owner_password=OWNER_PASSWORD, app_password=APP_PASSWORD
    )
    owner = await asyncpg.connect(url(postgres.superuser_url, "usher_owner", OWNER_PASSWORD, NAME))
    try:
        for each in migrations():
            if each.number == NUMBER:
                scene = (str(tenant), tenant.hex[:12], str(other), other.hex[:12], EVENT.hex())
                await owner.execute(TENANTS.format(*scene))
                await _write(owner, gate())
                await owner.execute("RESET app.tenant")
            if each.number <= NUMBER:
                await owner.execute(each.sql)
        forced = "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname = ANY($1)"
        named = ["record", "event", "log_event", "log_count", "log_fork", "merge_due"]
        assert await owner.fetchval(forced, named) is True
    finally:
        await owner.close()
    app = await asyncpg.connect(url(postgres.superuser_url, "usher_app", APP_PASSWORD, NAME))
    try:
        due = await app.fetch("SELECT tenant_id, event_ref FROM merges_due()")
        await app.execute(f"SELECT set_config('app.tenant', '{tenant}', false)")
        logs = await app.fetch("SELECT event_ref, device_id, incarnation FROM log_event")
        counts = await app.fetch("SELECT records FROM log_count")
        forks = await app.fetch("SELECT device_id, incarnation FROM log_fork")
        evidence = await app.fetch("SELECT evidence FROM record WHERE kind = 1")
        return [list(map(tuple, rows)) for rows in (due, logs, counts, forks, evidence)]
    finally:
        await app.close()


async def _write(owner: Any, written: Scribe) -> None:
    await owner.execute(DEVICE, written.device, written.public)
    for raw in written.log:
        place = int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big")
        await owner.execute(RECORD, raw[80:88], written.device, *place, raw[1], raw[96:112], raw)


def test_records_of_before_are_noted(postgres: Postgres) -> None:
    """By event, by device, for a merge, and by what they name; the walls stand again after."""
    tenant, other = uuid4(), uuid4()
    written = gate()
    due, logs, counts, forks, evidence = asyncio.run(upgraded(postgres, tenant, other))
    assert due == [(tenant, EVENT)]
    assert logs == [(EVENT, written.device, 1)]
    assert counts == [(4,)]
    assert forks == [(written.device, 2)]
    assert evidence == [(written.log[1][156:188],)]
