"""A device that changes its key at the real cloud."""

import asyncio

import pytest

from edge.store.identity import load_identity
from edge.store.stores import KEY, NEXT_KEY
from edge.sync.client import Cloud
from edge.sync.failures import Away
from edge.sync.rolling import Rolling, next_key
from shared import hashing
from tests.cloud.service import good
from tests.together.conftest import MakeGate
from tests.together.gates import Joined
from tests.together.liar import gone, lying
from tests.together.organizer import House


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
