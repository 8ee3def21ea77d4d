"""Messages of a service that handled them out of the outbox: kept, and each handled once."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from cloud.db.migrate import migrations
from cloud.db.roles import prepare
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.embedded.postgres import Postgres
from cloud.messages import dead
from cloud.messages.inbox import UNKNOWN_VERSION
from tests.cloud.database import APP_PASSWORD, OWNER_PASSWORD, Database, awaited, drop
from tests.cloud.messages.post import consumer, dispatch, effects, later, note, opened, states

NAME: Final = "usher_before_inbox"
NUMBER: Final = 16
TENANT: Final = UUID(int=0xB0)
HELD: Final = timedelta(minutes=10)
BEFORE: Final = f"""
    INSERT INTO tenant (tenant_id, slug, name) VALUES ('{TENANT}', 'before', 'T');
    SELECT set_config('app.tenant', '{TENANT}', false);
    INSERT INTO outbox (topic, key, payload, attempts, due_at, done_at, dead_at, fault) VALUES
        ('order.paid', 'new', '{{"n": 0}}', 0, now(), NULL, NULL, ''),
        ('refund.requested', 'failed', '{{"n": 1}}', 3, now() + '{HELD}', NULL, NULL, 'Away'),
        ('refund.requested', 'failed', '{{"n": 2}}', 0, now(), NULL, NULL, ''),
        ('guests.batch', 'dead', '{{"n": 3}}', 12, now(), NULL, now(), 'KeyError'),
        ('tickets.resign', 'done', '{{"n": 4}}', 1, now(), now(), NULL, '');
    RESET app.tenant;
"""
AFTER: Final = """
    SELECT set_config('app.tenant', '{0}', false);
    INSERT INTO outbox (topic, key, payload, version)
    VALUES ('order.paid', 'newer', '{{"n": 5}}', 9);
"""
ORDERS: Final = {"refund.requested": note, "order.paid": note}
TICKETS: Final = {"guests.batch": note, "tickets.resign": note}


@pytest.fixture
def carried(postgres: Postgres) -> Iterator[Database]:
    """A database that had messages before there was an inbox."""
    database = Database(postgres.superuser_url, f"{NAME}_{uuid4().hex[:8]}")
    awaited(_upgrade(database))
    yield database
    drop(database)


async def _upgrade(database: Database) -> None:
    await prepare(
        database.superuser, database.name, owner_password=OWNER_PASSWORD, app_password=APP_PASSWORD
    )
    owner = await asyncpg.connect(database.owner_url)
    try:
        for each in migrations():
            if each.number == NUMBER:
                await owner.execute(BEFORE)
            await owner.execute(each.sql)
    finally:
        await owner.close()


def test_what_was_under_way_is_handled_once_and_in_order(carried: Database) -> None:
    """One that failed keeps its attempts and its place; one behind it waits; what was done is."""
    told = [consumer("orders", **ORDERS), consumer("tickets", **TICKETS)]

    async def run() -> None:
        async with opened(carried) as pool:
            await dispatch(pool, TENANT, told, later())
            assert await asyncio.to_thread(effects, carried, TENANT) == [("order.paid", "new")]
            for _ in range(2):
                await dispatch(pool, TENANT, told, later(HELD.total_seconds()))

    awaited(run())
    assert effects(carried, TENANT) == [
        ("order.paid", "new"),
        ("refund.requested", "failed"),
        ("refund.requested", "failed"),
    ]
    assert states(carried, TENANT, "orders") == [
        ("order.paid", 1, True, False, ""),
        ("refund.requested", 4, True, False, "Away"),
        ("refund.requested", 1, True, False, ""),
    ]
    assert states(carried, TENANT, "tickets") == [("guests.batch", 12, False, True, "KeyError")]


def test_what_was_dead_is_listed_and_can_be_replayed(carried: Database) -> None:
    told = consumer("tickets", **TICKETS)

    async def run() -> None:
        async with opened(carried) as pool:
            async with tenant_tx(pool, TENANT, WORKER, later()) as tx:
                (given_up,) = await dead.dead(tx, None, 10)
                assert (given_up.topic, given_up.fault) == ("guests.batch", "KeyError")
                assert await dead.replay(tx, given_up.message_id, "tickets")
            await dispatch(pool, TENANT, told, later(1))

    awaited(run())
    assert ("guests.batch", "dead") in effects(carried, TENANT)


def test_a_message_of_a_newer_build_is_kept_for_it(carried: Database) -> None:
    """After an update was taken back: dead here with its cause and payload, replayed there."""
    carried.run(AFTER.format(TENANT))
    told = consumer("orders", **ORDERS)

    async def run() -> None:
        async with opened(carried) as pool:
            await dispatch(pool, TENANT, told, later())

    awaited(run())
    assert ("order.paid", "newer") not in effects(carried, TENANT)
    (kept,) = carried.rows(
        "SELECT version, payload::text AS payload, fault FROM inbox WHERE dead_at IS NOT NULL"
        " AND consumer = 'orders'"
    )
    assert tuple(kept) == (9, '{"n": 5}', UNKNOWN_VERSION)
