"""Workers merge by themselves, and whoever follows is told."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cloud.db.connect import open_pool
from cloud.incidents.jobs import Merging
from tests.cloud.background import background
from tests.cloud.service import Service
from tests.cloud.sync.appliance import Appliance, Venue, file_of

WORKERS = 3


@contextmanager
def merging(service: Service) -> Iterator[None]:
    """Let several workers merge, as `usher-cloud work` does."""

    async def run(stop: asyncio.Event) -> None:
        pool = await open_pool(service.settings.database_url)
        url, clock = service.settings.database_url, service.clock
        each = [Merging(pool, url, clock) for _ in range(WORKERS)]
        await asyncio.gather(*(one.run(stop) for one in each))
        await pool.close()

    with background(run):
        yield


@pytest.fixture
def gates(service: Service) -> list[Appliance]:
    """Two gates that have begun their logs."""
    venue = Venue(service)
    gates = [venue.gate(name) for name in ("North", "South")]
    for gate in gates:
        gate.boot()
    return gates


def newest(gate: Appliance) -> int:
    """Return the number of the newest incident, as a gate is told."""
    return int(gate.get("/sync").json()["incidents"])


def test_what_comes_in_is_merged_soon_and_each_incident_found_once(
    service: Service, gates: list[Appliance]
) -> None:
    """Several workers, and several uploads of the same copies: one number an incident."""
    with merging(service):
        for copies in range(1, 4):
            ticket = gates[0].venue.scene.ticket()
            for gate in gates:
                gate.scan(ticket)
                gate.send(file_of(gate))
            seen = service.until(lambda: newest(gates[0]), lambda n, least=copies: n >= least)
            assert seen == copies
    rows = gates[0].venue.scene.rows(
        "SELECT number, state, resolved_at FROM incident WHERE tenant_id = $1 ORDER BY number",
        gates[0].venue.scene.tenant,
    )
    assert [tuple(row) for row in rows] == [(n, "open", None) for n in (1, 2, 3)]
    told = gates[0].venue.scene.rows(
        "SELECT payload->>'kind' AS kind, count(DISTINCT payload->>'incident_id') AS names,"
        " count(*) AS times FROM outbox WHERE tenant_id = $1 AND topic = 'incident.opened'"
        " GROUP BY 1",
        gates[0].venue.scene.tenant,
    )
    assert [tuple(row) for row in told] == [("double_admission", 3, 3)]


def test_one_tenants_fault_holds_up_no_other(service: Service, gates: list[Appliance]) -> None:
    """An event whose merge fails is tried again later; another tenant's is merged meanwhile."""
    broken = Venue(service)
    spoilt = broken.gate("North")
    spoilt.boot()
    spoilt.scan(broken.scene.ticket())
    spoilt.send(file_of(spoilt))
    broken.scene.run(
        f"""
        ALTER TABLE event_count ADD CONSTRAINT spoilt
            CHECK (tenant_id <> '{broken.scene.tenant}') NOT VALID;
        """
    )
    try:
        with merging(service):
            ticket = gates[0].venue.scene.ticket()
            for gate in gates:
                gate.scan(ticket)
            gates[0].send(file_of(*gates))
            assert service.until(lambda: newest(gates[0]), lambda n: n > 0) == 1
        due = "SELECT 1 FROM merge_due WHERE tenant_id = $1"
        assert broken.scene.rows(due, broken.scene.tenant)
    finally:
        broken.scene.run("ALTER TABLE event_count DROP CONSTRAINT spoilt")
