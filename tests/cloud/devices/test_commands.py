"""Commands over real HTTP: numbered, signed for one device, obeyed by its rules."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.devices.command import Command, Recipient, accept_command
from shared.signed import signer_kid
from shared.wire import unframed
from tests.cloud.devices.house import House
from tests.cloud.devices.machine import Machine
from tests.cloud.service import Service, good, problem


def give(house: House, gate: Machine, action: str, **said: Any) -> Any:
    """Give a command."""
    path = f"{house.devices}/{gate.id}/commands"
    return good(house.owner.post(path, json={"action": action} | said), 201)


def taken(gate: Machine, after: int = 0) -> list[bytes]:
    """Take the commands as signed."""
    answer = gate.ask(f"/sync/commands?after={after}")
    assert answer.status_code == 200, answer.text
    return unframed(answer.content, 256)


def obeyed(gate: Machine, raws: list[bytes]) -> list[Command]:
    """Obey commands in turn."""
    gate.learn()
    me = Recipient(gate.tenant.tenant_id.bytes, bytes.fromhex(gate.id))
    done: list[Command] = []
    for raw in raws:
        done.append(accept_command(raw, gate.trusted, gate.now(), me))
        me = me._replace(obeyed=done[-1].number)
    return done


def newest(gate: Machine) -> int:
    """What the state tells of commands."""
    return int(good(gate.ask("/sync"))["commands"])


def test_a_device_obeys_its_commands_in_order(house: House) -> None:
    """By all of its rules; the state tells of the newest."""
    gate, other = house.gate(), house.gate()
    assert newest(gate) == 0
    give(house, gate, "lock")
    give(house, other, "wipe")
    give(house, gate, "unlock")
    give(house, gate, "set_time", time=1_800_000_000_000)
    now = int(house.service.clock().timestamp() * 1000)
    give(house, gate, "set_time")
    done = obeyed(gate, taken(gate))
    assert [(each.number, each.action) for each in done] == [
        (1, "lock"), (2, "unlock"), (3, "set_time"), (4, "set_time"),
    ]  # fmt: skip
    assert done[2].time == 1_800_000_000_000
    assert done[3].time is not None
    assert 0 <= done[3].time - now < 60_000
    assert taken(gate, after=3) == taken(gate)[3:]
    assert taken(gate, after=4) == []
    assert (newest(gate), newest(other)) == (4, 1)


def test_numbers_have_no_gap_whoever_gives_at_once(house: House) -> None:
    """Two owners' commands at one moment are two numbers."""
    gate = house.gate()
    with ThreadPoolExecutor(8) as at_once:
        made = list(at_once.map(lambda _: give(house, gate, "lock")["number"], range(8)))
    assert sorted(made) == list(range(1, 9))


def test_a_revoked_device_is_still_wiped(house: House) -> None:
    """A thief's machine hears of it as long as it asks."""
    gate = house.gate()
    good(house.owner.post(f"{house.devices}/{gate.id}/revoke", json={}))
    give(house, gate, "wipe")
    assert [each.action for each in obeyed(gate, taken(gate))] == ["wipe"]


def test_a_withdrawn_key_leaves_no_command_unsigned(house: House) -> None:
    """What it signed is signed by its successor."""
    gate = house.gate()
    give(house, gate, "lock")
    (before,) = taken(gate)
    old = signer_kid(before)
    good(house.owner.post(f"{house.tenant.path}/keys/{old.hex()}/revoke"))
    (after,) = taken(gate)
    assert signer_kid(after) != old
    assert [each.action for each in obeyed(gate, [after])] == ["lock"]


def test_commands_are_listed(house: House) -> None:
    """By number, in pages."""
    gate = house.gate()
    for action in ("lock", "unlock", "wipe"):
        give(house, gate, action)
    path = f"{house.devices}/{gate.id}/commands"
    first = good(house.owner.get(path, params={"limit": 2}))
    rest = good(house.owner.get(path, params={"limit": 2, "cursor": first["next"]}))
    listed = [(each["number"], each["action"]) for each in (*first["items"], *rest["items"])]
    assert listed == [(1, "lock"), (2, "unlock"), (3, "wipe")]


def test_only_set_time_has_a_time(house: House) -> None:
    """Anything else with one is refused, and has no number."""
    gate = house.gate()
    path = f"{house.devices}/{gate.id}/commands"
    answer = house.owner.post(path, json={"action": "wipe", "time": 5})
    assert problem(answer) == (400, "command_time")
    assert give(house, gate, "wipe")["number"] == 1


def test_another_tenant_commands_nothing(service: Service, house: House) -> None:
    """Nor does it read what ours are told."""
    gate, stranger = house.gate(), House(service)
    for devices in (house.devices, stranger.devices):
        path = f"{devices}/{gate.id}/commands"
        assert problem(stranger.owner.post(path, json={"action": "wipe"})) == (404, "not_found")
        assert problem(stranger.owner.get(path)) == (404, "not_found")
    assert taken(gate) == []
