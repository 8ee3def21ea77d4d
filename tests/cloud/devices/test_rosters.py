"""Rosters over real HTTP: what is on them, when they are published, and that none is skipped."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cloud.devices.composing import KEPT, LIFE
from shared import hashing, keys
from shared.devices.roster import ROSTER, Cutoff, Roster
from shared.signed import Kind, open_signed, signer_kid
from tests.cloud.devices.house import House
from tests.cloud.devices.machine import Machine
from tests.cloud.service import Service, good, problem


def roster(gate: Machine) -> Roster:
    """What a gate reads."""
    held = gate.learn().roster
    assert held is not None
    return held


def test_a_registered_gate_reads_that_it_is_listed(house: House) -> None:
    """With its name, kind and site; a device takes it by all of its rules."""
    gate = house.gate(name="South 2", appliance="handheld", site=7)
    listed = roster(gate).devices
    assert [(each.pk, each.name, each.kind, each.site) for each in listed] == [
        (gate.pk.hex(), "South 2", "handheld", 7)
    ]
    assert gate.members.version == 1


def test_each_change_is_one_roster(house: House) -> None:
    """Registering, renaming, revoking and the setting; what changes nothing publishes nothing."""
    gate, other = house.gate(), house.gate()
    assert house.versions() == [1, 2]
    path = f"{house.devices}/{other.id}"
    good(house.owner.patch(path, json={"name": "East", "appliance": "handheld"}))
    good(house.owner.patch(path, json={"name": "East"}))
    good(house.owner.put(f"{house.devices}/settings", json={"lock_after": 3600}))
    good(house.owner.put(f"{house.devices}/settings", json={"lock_after": 3600}))
    good(house.owner.post(f"{path}/revoke", json={}), 200)
    assert house.versions() == [1, 2, 3, 4, 5]
    said = roster(gate)
    assert said.lock_after == 3600
    there = next(each for each in said.devices if each.pk == other.pk.hex())
    assert (there.name, there.kind, there.cutoff) == ("East", "handheld", Cutoff(0, 0))
    assert good(house.owner.get(f"{house.devices}/settings")) == {"lock_after": 3600}


def test_a_revoked_device_still_reads_that_it_is(house: House) -> None:
    """And may read nothing else that is for members."""
    gate = house.gate()
    good(house.owner.post(f"{house.devices}/{gate.id}/revoke", json={"incarnation": 2, "seq": 9}))
    gate.learn()
    assert gate.members.devices[bytes.fromhex(gate.id)].cutoff == Cutoff(2, 9)
    refused = gate.ask("/sync/events/0011223344556677/head")
    assert problem(refused) == (401, "request_revoked_device")


def test_versions_have_no_gap_whoever_publishes_at_once(house: House) -> None:
    """Ten gates let in at the same moment while workers sweep: each roster is the one before and
    one more."""
    first = house.gate()
    with ThreadPoolExecutor(12) as at_once:
        sweeps = [at_once.submit(house.service.work) for _ in range(2)]
        list(at_once.map(lambda _: house.gate(), range(10)))
        assert [each.result() for each in sweeps] == [None, None]
    versions = house.versions()
    assert versions == list(range(1, versions[-1] + 1))
    raws = house.rows("SELECT raw FROM roster WHERE tenant_id = $1 ORDER BY version")
    first.learn()
    counts = [len(_open(first, row["raw"]).devices) for row in raws]
    assert counts == list(range(1, 12))


def _open(gate: Machine, raw: bytes) -> Roster:
    return open_signed(Kind.ROSTER, raw, gate.trusted.of("roster", gate.now()), ROSTER)


def test_workers_are_listed_with_their_desks_badge(service: Service, house: House) -> None:
    """A worker is made in a batch of check-ins; the sweep publishes it."""
    gate = house.gate()
    event = service.event(house.owner, house.tenant)
    order = service.buy(house.owner, event)
    ticket = order["items"][0]["ticket_id"]
    text = house.owner.get(f"{event.path}/tickets/{ticket}/code.txt").text
    asked = {"code": text, "gate": 1}
    good(house.owner.post(f"{event.path}/redeem", json=asked))
    assert [each.kind for each in roster(gate).devices] == ["kiosk"]
    service.work()
    said = roster(gate)
    assert sorted(each.kind for each in said.devices) == ["cloud", "kiosk"]
    (desk,) = house.rows("SELECT badge FROM device WHERE tenant_id = $1 AND kind = 'worker'")
    assert [(each.pk, each.role) for each in said.badges] == [(desk["badge"].hex(), "supervisor")]
    version = gate.members.version
    service.work()
    assert gate.learn().version == version


def test_a_withdrawn_key_signs_no_roster_any_more(service: Service, house: House) -> None:
    """The roster is signed anew, by a key that the newest keyset names."""
    gate = house.gate()
    gate.learn()
    old = signer_kid(gate.members.raw)
    good(house.owner.post(f"{house.tenant.path}/keys/{old.hex()}/revoke"))
    service.work()
    gate.learn()
    assert signer_kid(gate.members.raw) != old
    assert gate.members.version == 2


def test_it_is_renewed_before_it_expires_and_old_ones_are_forgotten(house: House) -> None:
    """Half of its life later, changed or not."""
    gate = house.gate()
    service = house.service
    until = roster(gate).expires
    for name in range(KEPT + 2):
        good(house.owner.patch(f"{house.devices}/{gate.id}", json={"name": f"N {name}"}))
    assert len(house.versions()) == KEPT
    version = gate.learn().version
    service.work()
    assert gate.learn().version == version
    try:
        service.clock.move(LIFE.total_seconds() / 2 + 60)
        service.work()
        assert roster_of(house).expires >= until + timedelta(days=15).total_seconds()
        assert roster_of(house).version == version + 1
    finally:
        service.clock.move(-LIFE.total_seconds() / 2 - 60)


def roster_of(house: House) -> Roster:
    """What is published, as it is stored."""
    (row,) = house.rows("SELECT raw FROM roster WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1")
    gate = Machine(house.service, house.tenant)
    gate.trusted = gate.trusted.accept(gate.http.get(f"{house.tenant.path}/keyset").content)
    return _open(gate, row["raw"])


def test_without_a_worker_it_is_renewed_by_who_asks(house: House) -> None:
    """So that a device is never handed one that has expired."""
    gate = house.gate()
    assert roster(gate).version == 1
    away = LIFE.total_seconds() + 60
    try:
        house.service.clock.move(away)
        assert roster(gate).version == 2
    finally:
        house.service.clock.move(-away)


def test_a_roster_that_devices_would_not_take_is_refused(house: House) -> None:
    """By code, and the gate that was too many is not registered."""
    house.gate()
    rows = ", ".join(
        f"('\\x{os.urandom(16).hex()}', '\\x{keys.public_key(os.urandom(32)).hex()}', 'gate',"
        f" '{'n' * 80}')"
        for _ in range(6000)
    )
    house.service.database.run(
        f"""
        SELECT set_config('app.tenant', '{house.tenant.tenant_id}', false);
        INSERT INTO device (device_id, public, kind, name) VALUES {rows};
        """
    )
    public = keys.public_key(os.urandom(32))
    answer = house.owner.post(house.devices, json={"public": public.hex(), "name": "One more"})
    assert problem(answer) == (409, "roster_too_large")
    known = house.rows("SELECT device_id FROM device WHERE tenant_id = $1")
    assert hashing.device_id(public) not in {row["device_id"] for row in known}


@pytest.mark.parametrize("seconds", [1, 59])
def test_gates_never_lock_between_two_answers(house: House, seconds: int) -> None:
    """A time that passes between two answers of the cloud is refused, and changes nothing."""
    path = f"{house.devices}/settings"
    before = house.versions()
    assert problem(house.owner.put(path, json={"lock_after": seconds})) == (400, "lock_after_short")
    assert (good(house.owner.get(path)), house.versions()) == ({"lock_after": 0}, before)


def test_another_tenant_reads_and_changes_nothing(service: Service, house: House) -> None:
    """Its gates are no members, and its owner sees no device of ours."""
    gate, other = house.gate(), House(service)
    stranger = other.gate()
    stranger.tenant = house.tenant
    assert problem(stranger.ask("/roster")) == (401, "request_unknown_device")
    for answer in (
        other.owner.get(house.devices),
        other.owner.patch(f"{house.devices}/{gate.id}", json={"name": "Mine"}),
        other.owner.patch(f"{other.devices}/{gate.id}", json={"name": "Mine"}),
        other.owner.put(f"{house.devices}/settings", json={"lock_after": 1}),
    ):
        assert problem(answer) == (404, "not_found")
