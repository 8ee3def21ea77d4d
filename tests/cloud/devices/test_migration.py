"""Devices that were there before rosters were stand on the first one."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from cloud.db.migrate import migrations
from cloud.db.roles import prepare
from cloud.embedded.postgres import Postgres
from tests.cloud.database import APP_PASSWORD, OWNER_PASSWORD, url

NAME = "usher_before_rosters"
NUMBER = 13
BEFORE = """
    INSERT INTO tenant (tenant_id, slug, name) VALUES ('{0}', 't{1}', 'T'), ('{2}', 't{3}', 'T');
    SELECT set_config('app.tenant', '{0}', false);
    INSERT INTO device (device_id, public, kind, name)
    VALUES (decode(repeat('01', 16), 'hex'), decode(repeat('02', 32), 'hex'), 'gate', 'North'),
           (decode(repeat('03', 16), 'hex'), decode(repeat('04', 32), 'hex'), 'gate', 'South');
"""
AFTER = """
    SELECT rosters_due(now()) AS tenant_id
"""


async def due(postgres: Postgres, tenant: UUID, other: UUID) -> list[Any]:
    """Migrate up to the one before, add devices, migrate on; return who waits for a roster."""
    await prepare(
        postgres.superuser_url, NAME, owner_password=OWNER_PASSWORD, app_password=APP_PASSWORD
    )
    owner = await asyncpg.connect(url(postgres.superuser_url, "usher_owner", OWNER_PASSWORD, NAME))
    try:
        for each in migrations():
            if each.number == NUMBER:
                scene = (str(tenant), tenant.hex[:12], str(other), other.hex[:12])
                await owner.execute(BEFORE.format(*scene))
                await owner.execute("RESET app.tenant")
            if each.number <= NUMBER:
                await owner.execute(each.sql)
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'device'"
        assert await owner.fetchval(forced) is True
    finally:
        await owner.close()
    app = await asyncpg.connect(url(postgres.superuser_url, "usher_app", APP_PASSWORD, NAME))
    try:
        return [row["tenant_id"] for row in await app.fetch(AFTER)]
    finally:
        await app.close()


def test_devices_of_before_wait_for_the_first_roster(postgres: Postgres) -> None:
    """Only their tenant's, and the walls stand again after."""
    tenant, other = uuid4(), uuid4()
    assert asyncio.run(due(postgres, tenant, other)) == [tenant]
