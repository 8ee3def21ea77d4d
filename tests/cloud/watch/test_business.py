"""The business in figures, as the exporter asks them of a database in which it happened."""

from typing import Final
from uuid import UUID

import pytest

from cloud.watch.figures import Figures
from tests.cloud.devices.reporting import report, send
from tests.cloud.devices.test_reported_manifests import Night
from tests.cloud.incidents.test_incidents import booted
from tests.cloud.service import Service, good
from tests.cloud.sync.appliance import Venue, file_of

GIVE_UP: Final = """
    UPDATE inbox SET dead_at = now(), done_at = NULL, fault = 'test' WHERE tenant_id = '{}'
"""


def told(service: Service, tenant: UUID) -> dict[str, float]:
    """Return a tenant's figures by name."""
    (row,) = service.database.rows("SELECT slug FROM tenant WHERE tenant_id = $1", tenant)
    return {
        sample.name.removeprefix("usher_"): sample.value
        for family in Figures(service.database.app_url).collect()
        for sample in family.samples
        if sample.labels.get("tenant") == row["slug"]
    }


@pytest.fixture
def night(service: Service) -> Night:
    """A night with an event, of a test's own; one ticket is sold."""
    return Night(service)


def test_what_is_sold_admitted_and_refused(service: Service, night: Night) -> None:
    (ticket,) = night.venue.buy(night.event, 1)
    night.open()
    service.work()
    code = night.owner.get(f"{ticket}/code.txt").text
    for _ in range(3):
        good(night.owner.post(f"{night.event.path}/redeem", json={"gate": 1, "code": code}))
    service.work()
    seen = told(service, night.tenant.tenant_id)
    assert (seen["tickets_sold"], seen["admitted"], seen["refused"]) == (2, 1, 2)
    assert seen.get("messages_waiting", 0) == seen.get("merges_waiting", 0) == 0


def test_what_waits_and_what_was_given_up(service: Service, night: Night) -> None:
    tenant = night.tenant.tenant_id
    assert told(service, tenant).get("messages_waiting", 0) == 0
    night.sell()
    seen = told(service, tenant)
    assert seen["messages_waiting"] > 0
    assert 0 <= seen["messages_oldest_seconds"] < 60
    service.work()
    service.database.run(GIVE_UP.format(tenant))
    seen = told(service, tenant)
    assert seen["messages_waiting"] == seen["messages_oldest_seconds"] == 0
    assert seen["messages_dead"] > 0


def test_a_gate_that_is_behind_silent_or_wrong_about_the_time(
    service: Service, night: Night
) -> None:
    """Silence is told while an event is on alone: gates that were put away are no news."""
    tenant, gate = night.tenant.tenant_id, night.gate()
    held = night.held()
    send(gate, report(gate, manifests=(held,), at=gate.now().ms + 30_000))
    seen = told(service, tenant)
    assert (seen["gates"], seen["gates_waiting"]) == (1, 3)
    assert "gates_behind_seconds" not in seen
    assert "gates_silent_seconds" not in seen
    assert 29 < seen["gates_clock_off_seconds"] < 31
    night.open()
    night.sell()
    night.publish()
    send(gate, report(gate, manifests=(held,)))
    service.database.run(
        "UPDATE device_report SET received_at = received_at - interval '5 min'"
        f" WHERE tenant_id = '{tenant}';"
        "UPDATE event SET doors_at = now() + interval '50 min'"
        f" WHERE event_id = '{night.event.event_id}'"
    )
    seen = told(service, tenant)
    assert 0 <= seen["gates_behind_seconds"] < 60
    assert 300 <= seen["gates_silent_seconds"] < 360


def test_incidents_until_somebody_settles_them(service: Service) -> None:
    venue = Venue(service)
    ticket = venue.scene.ticket()
    for name in ("North", "South"):
        gate = booted(venue, name)
        gate.scan(ticket)
        gate.send(file_of(gate))
    assert told(service, venue.scene.tenant)["merges_waiting"] == 1
    service.work()
    assert told(service, venue.scene.tenant)["incidents_open"] == 1
    (found,) = good(venue.owner.get(f"{venue.path}/incidents"))["items"]
    decided = {"state": "confirmed", "note": "A copy."}
    good(venue.owner.post(f"{venue.path}/incidents/{found['incident']}/decide", json=decided))
    assert told(service, venue.scene.tenant).get("incidents_open", 0) == 0
