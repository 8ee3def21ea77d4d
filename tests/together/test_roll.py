"""A device that changes its key at the real cloud."""

import asyncio
import signal
import subprocess
import sys

import pytest

from edge.health.known import names_of, roster_of
from edge.store.identity import load_identity
from edge.store.stores import KEY, NEXT_KEY, OLD_KEY, old_key
from edge.sync.client import Cloud
from edge.sync.failures import Away
from edge.sync.rolling import Rolling, next_key, step_over
from shared import hashing
from tests.cloud.service import good
from tests.edge.appliance import toml_of
from tests.together.conftest import MakeGate
from tests.together.gates import Joined, Living
from tests.together.liar import gone, lying
from tests.together.logs import admit
from tests.together.organizer import House

NEVER = 100  # steps; a roll has far fewer


def roll(gate: Joined, origin: str) -> None:
    """Change the key, as the command does, and close the gate."""

    async def run() -> None:
        opened, folder = gate.gate, gate.settings.data_folder
        tenant, clock = gate.house.tenant.tenant_id.bytes, opened.clock.stamp_ms
        begun = old_key(folder)
        old, new = (begun, opened.me) if begun else (opened.me, next_key(folder))
        async with (
            Cloud(origin, tenant, old, clock) as by_old,
            Cloud(origin, tenant, new, clock) as by_new,
        ):
            await Rolling(opened, old, new, by_old, by_new).run()

    try:
        asyncio.run(run())
    finally:
        gate.close()


@pytest.mark.parametrize("lost", [False, True])
def test_a_device_goes_on_under_its_new_key(house: House, join: MakeGate, lost: bool) -> None:
    """The old log is in the cloud and counts, the new one begins; also if the answer was lost."""
    event = house.event(3)
    gate = join()
    gate.pull()
    old = gate.gate.me.device
    with lying(house.service.address) as liar:
        if lost:
            liar.about("/devices/roll", gone)
            with pytest.raises(Away):
                roll(gate, liar.address)
            liar.honest()
        roll(gate, liar.address)
        assert any("/devices/roll" in each for each in liar.asked) is not lost
    folder = gate.settings.data_folder
    assert not (folder / NEXT_KEY).exists()
    assert not (folder / OLD_KEY).exists()
    me = load_identity(folder / KEY)
    assert me is not None
    assert me.device == hashing.device_id(me.pk) != old
    trust = gate.gate.held.trust
    assert gate.gate.me.device == me.device
    assert gate.gate.held.why_locked() == ""
    assert trust.roster.devices[old].cutoff is not None
    rows = good(house.owner.get(f"{house.tenant.path}/devices"))["items"]
    listed = {row["device"]: row for row in rows}
    assert listed[old.hex()]["log"] == listed[old.hex()]["cutoff"]
    assert listed[old.hex()]["log"]["seq"] > 0
    house.sell(event)
    house.service.work()
    gate.pull()
    gate.check(event)


def rolled(gate: Joined, step: int = NEVER) -> bool:
    """Run the command; return whether it came to its end before it was killed."""
    settings = gate.settings.data_folder.with_name("gate.toml")
    settings.write_text(toml_of(gate.settings), encoding="utf-8")
    words = [sys.executable, "-m", "tests.together.rolling", str(settings), str(step)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode == 0


def keys_listed(gate: Joined) -> list[str]:
    """Return the device ids by which the cloud lists the gate now."""
    rows = good(gate.house.owner.get(f"{gate.house.tenant.path}/devices"))["items"]
    name = gate.settings.name.title()
    return [row["device"] for row in rows if row["name"] == name and row["cutoff"] is None]


def counted(gate: Joined) -> int:
    """Return how many of the gate's entries count in the cloud, by whatever key."""
    query = """
        SELECT count(*) AS entries FROM record r JOIN device d USING (tenant_id, device_id)
         WHERE d.name = $1 AND r.kind = 1
           AND (d.cutoff_seq IS NULL
                OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq))
    """
    rows = gate.house.service.database.rows(query, gate.settings.name.title())
    return int(rows[0]["entries"])


def test_a_roll_that_is_killed_anywhere_goes_on_without_the_cloud(
    house: House, join: MakeGate
) -> None:
    """Before each touch of a key's file and each call: the gate starts with no cloud and admits,
    its agent ends the roll once the cloud is there, and every entry counts."""
    event = house.event(3)
    seen, ended = set[tuple[bool, bool]](), False
    for step in range(NEVER):
        gate = join(f"North{step}")
        gate.pull()
        old = gate.gate.me.device
        admit(gate.gate, house.ref(event), range(2))
        gate.close()
        ended = rolled(gate, step)
        me = gate.gate.me.device
        seen.add((me == old, keys_listed(gate) == [old.hex()]))
        assert gate.gate.held.why_locked() == ""
        admit(gate.gate, house.ref(event), range(2, 4))
        assert gate.gate.ledger.summary().entries == ((house.ref(event), 1, 4),)
        with Living(gate) as living:
            living.until(lambda: keys_listed(gate) == [me.hex()])  # noqa: B023
            living.until(lambda: counted(gate) == 4)  # noqa: B023
        assert not (gate.settings.data_folder / OLD_KEY).exists() or me == old
        if me == old:
            gate.close()
            assert rolled(gate)
            assert keys_listed(gate) == [gate.gate.me.device.hex()] != [old.hex()]
            assert counted(gate) == 4
        gate.check(event)
        gate.close()
        if ended:
            break
    assert ended
    # By the old key that the cloud lists, by the new one that it doesn't yet, and that it does.
    assert seen == {(True, True), (False, True), (False, False)}


def test_a_gate_that_was_shut_out_amid_a_roll_learns_it(house: House, join: MakeGate) -> None:
    """The cloud takes no heir of a device that it has revoked: the gate locks, and is wiped."""
    house.event(1)
    gate = join("Swift")
    gate.pull()
    old, folder = gate.gate.me.device, gate.settings.data_folder
    gate.close()
    next_key(folder)
    step_over(folder)
    good(house.owner.post(f"{house.tenant.path}/devices/{old.hex()}/revoke", json={}))
    assert gate.gate.held.why_locked() == ""  # it has not heard it
    trust, now = gate.gate.held.trust, gate.gate.clock.now()
    assert roster_of(trust, gate.gate.me.device, now, locked=False).heir
    assert roster_of(trust, old, now, locked=False).cut_off
    assert names_of(trust)[old] == "Swift"
    with Living(gate) as living:
        living.until(lambda: gate.gate.held.why_locked() == "not_on_roster")
    assert gate.reopen().held.why_locked() == "not_on_roster"
    wipe = {"action": "wipe"}
    good(house.owner.post(f"{house.tenant.path}/devices/{old.hex()}/commands", json=wipe))
    with Living(gate) as living:
        living.until(lambda: gate.gate.held.wiped)
    assert [*folder.glob("device.*")] == []
