"""A device that changes its key at the real cloud."""

import asyncio
import signal
import subprocess
import sys

import pytest

from edge.store.identity import load_identity
from edge.store.stores import KEY, NEXT_KEY
from edge.sync.client import Cloud
from edge.sync.failures import Away
from edge.sync.pull import Pull
from edge.sync.rolling import Rolling, next_key
from shared import hashing
from tests.cloud.service import good
from tests.edge.appliance import toml_of
from tests.together.conftest import MakeGate
from tests.together.gates import Joined
from tests.together.liar import gone, lying
from tests.together.logs import admit, cloud_records
from tests.together.organizer import House

NEVER = 100  # steps; a roll has far fewer


def roll(gate: Joined, origin: str) -> None:
    """Change the key, as the command does, and close the gate."""

    async def run() -> None:
        opened, folder = gate.gate, gate.settings.data_folder
        tenant, clock = gate.house.tenant.tenant_id.bytes, opened.clock.stamp_ms
        successor = next_key(folder)
        async with (
            Cloud(origin, tenant, opened.me, clock) as cloud,
            Cloud(origin, tenant, successor, clock) as by_next,
        ):
            await Rolling(opened, cloud, by_next, successor).run()

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


async def lists(pull: Pull) -> list[Exception]:
    """Take the newest lists."""
    return await pull.lists(await pull.state())


def one_key(gate: Joined, old: bytes) -> bytes:
    """Check that the gate has one key that counts, and works by it or not at all; return it."""
    rows = good(gate.house.owner.get(f"{gate.house.tenant.path}/devices"))["items"]
    listed = [row["device"] for row in rows if row["name"] == gate.settings.name.title()
              and row["cutoff"] is None]  # fmt: skip
    assert len(listed) == 1
    me = load_identity(gate.settings.data_folder / KEY)
    assert me is not None
    assert gate.gate.me.device == me.device
    assert gate.pulling(lists) == []
    if me.device.hex() == listed[0]:
        assert gate.gate.held.why_locked() == ""
    else:  # the cloud has changed it, and what the old one writes would not count
        assert me.device == old
        assert gate.gate.held.why_locked() == "device_revoked"
    gate.close()
    return me.device


def test_a_roll_that_is_killed_anywhere_leaves_one_key_and_goes_on(
    house: House, join: MakeGate
) -> None:
    """Before each touch of a key's file: the old key counts and works, or the new one, or the old
    one admits nobody; and the same command ends it, with all that was written."""
    event = house.event(3)
    seen, ended = set[bool](), False
    for step in range(NEVER):
        gate = join(f"North{step}")
        gate.pull()
        old = gate.gate.me.device
        admit(gate.gate, house.ref(event), range(2))
        gate.close()
        ended = rolled(gate, step)
        seen.add(one_key(gate, old) == old)
        if not ended:
            assert rolled(gate)
        assert one_key(gate, old) != old
        own = [raw for raw in cloud_records(gate) if raw[4:20] == old]
        assert len(own) >= 3, "a boot and what it admitted"
        gate.check(event)
        gate.close()
        if ended:
            break
    assert ended
    assert seen == {True, False}
