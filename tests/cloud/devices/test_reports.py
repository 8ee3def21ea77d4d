"""What gates report, and how the owner sees them, over real HTTP."""

import msgspec

from cloud.devices.model import PATIENCE, SILENCE
from shared.wire import Report
from tests.cloud.devices.house import House
from tests.cloud.devices.reporting import JSON, report, seen, send
from tests.cloud.service import Service, good, problem


def test_a_gate_is_seen_as_it_reports(house: House) -> None:
    """All of it, beside a word; before its first report it was never seen."""
    gate = house.gate(name="North 1", site=2)
    before = seen(house, gate)
    assert (before["word"], before["report"], before["last_contact"]) == ("never_seen", None, None)
    said = report(gate, at=gate.now().ms + 5000)
    assert send(gate, said).status_code == 204
    shown = seen(house, gate)
    assert (shown["name"], shown["appliance"], shown["site"]) == ("North 1", "kiosk", 2)
    assert shown["word"] == "ready"
    assert msgspec.convert(shown["report"], Report) == said
    assert shown["address"] == "127.0.0.1"
    assert 4000 < shown["clock_ahead"] <= 5000
    assert send(gate, report(gate, battery=5, on_power=False)).status_code == 204
    assert seen(house, gate)["word"] == "battery_low"
    assert len(house.rows("SELECT FROM device_report WHERE tenant_id = $1")) == 1


def test_a_gate_that_fell_silent_is_told(house: House) -> None:
    """After a minute and a half; what it said last is still shown."""
    gate = house.gate()
    send(gate, report(gate))
    try:
        house.service.clock.move(SILENCE + 5)
        shown = seen(house, gate)
        assert shown["word"] == "no_contact"
        assert shown["report"]["waiting"] == 3
        send(gate, report(gate))
        assert seen(house, gate)["word"] == "ready"
    finally:
        house.service.clock.move(-SILENCE - 5)


def test_a_gate_with_an_old_roster_is_told_once_it_had_time(house: House) -> None:
    """A minute after the newest was published."""
    gate = house.gate()
    old = report(gate)
    house.gate()
    send(gate, old)
    assert seen(house, gate)["word"] == "ready"
    try:
        house.service.clock.move(PATIENCE + 5)
        send(gate, old)
        assert seen(house, gate)["word"] == "roster_old"
    finally:
        house.service.clock.move(-PATIENCE - 5)


def test_commands_that_were_not_obeyed_are_seen(house: House) -> None:
    """The newest number stands beside the last one obeyed."""
    gate = house.gate()
    send(gate, report(gate))
    good(house.owner.post(f"{house.devices}/{gate.id}/commands", json={"action": "lock"}))
    shown = seen(house, gate)
    assert (shown["commands"], shown["report"]["obeyed"]) == (1, 0)


def test_revoked_gates_are_shown_to_who_asks(house: House) -> None:
    """They report no more, and are off the list."""
    gate = house.gate()
    send(gate, report(gate))
    good(house.owner.post(f"{house.devices}/{gate.id}/revoke", json={}))
    assert seen(house, gate) is None
    assert seen(house, gate, revoked=True)["word"] == "revoked"
    assert problem(send(gate, report(gate))) == (401, "request_revoked_device")


def test_a_report_has_its_form(house: House) -> None:
    """Too long, unknown fields, or no JSON: refused, and what was said before stays."""
    gate = house.gate()
    send(gate, report(gate))
    fine = msgspec.to_builtins(report(gate))
    for wrong in (
        {**fine, "software": "x" * 65},
        {**fine, "battery": 101},
        {**fine, "mood": "good"},
        {**fine, "cameras": [fine["cameras"][0]] * 17},
        {name: value for name, value in fine.items() if name != "clock"},
    ):
        answer = gate.ask("/sync/report", msgspec.json.encode(wrong), headers=JSON)
        assert problem(answer) == (400, "invalid_request")
    huge = gate.ask("/sync/report", b" " * (1 << 17), headers=JSON)
    assert problem(huge) == (413, "body_too_large")
    assert seen(house, gate)["word"] == "ready"


def test_gates_come_in_pages(house: House) -> None:
    """In the order of their ids."""
    gates = sorted(house.gate().id for _ in range(3))
    path = f"{house.devices}/status"
    first = good(house.owner.get(path, params={"limit": 2}))
    rest = good(house.owner.get(path, params={"limit": 2, "cursor": first["next"]}))
    assert [each["device"] for each in (*first["items"], *rest["items"])] == gates
    assert rest["next"] is None


def test_another_tenant_sees_no_gate_and_reports_for_none(service: Service, house: House) -> None:
    """Its own page is empty."""
    gate, stranger = house.gate(), House(service)
    said = report(gate)
    gate.tenant = stranger.tenant
    assert problem(send(gate, said)) == (401, "request_unknown_device")
    assert problem(stranger.owner.get(f"{house.devices}/status")) == (404, "not_found")
    assert good(stranger.owner.get(f"{stranger.devices}/status"))["items"] == []
