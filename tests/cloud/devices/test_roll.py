"""A device changes its key over real HTTP."""

import os

import httpx

from shared import hashing, keys
from shared.devices.roll import roll
from shared.devices.roster import Cutoff
from shared.log import writer
from shared.log.record import EMPTY, seal
from tests.cloud.database import awaited
from tests.cloud.devices.house import House
from tests.cloud.devices.machine import Machine
from tests.cloud.devices.test_commands import give, newest, taken
from tests.cloud.service import good, problem
from tests.cloud.waiting import blocked, holding

COUNT = "SELECT count(*) AS n FROM device WHERE tenant_id = $1 AND kind = 'gate'"


def boot(gate: Machine) -> bytes:
    """The record that begins its log."""
    return seal(writer.boot(writer.Tail(bytes.fromhex(gate.id)), EMPTY, gate.now().ms, 0),
                gate.secret)  # fmt: skip


def test_the_new_key_takes_the_old_ones_place(house: House) -> None:
    """On one roster: the old one's log counts up to what is here, name and site are the same."""
    gate = house.gate(name="South 1", appliance="handheld", site=4)
    good(gate.ask("/log", boot(gate)))
    old_id, old, new = gate.id, gate.secret, keys.secret_key(os.urandom(32))
    done = good(gate.ask("/devices/roll", roll(bytes.fromhex(old_id), new)), 200)
    gate.secret = new
    assert done == {"device": gate.id, "roster": 2, "cutoff": {"incarnation": 1, "seq": 1}}
    members = gate.learn()
    assert members.roster is not None
    assert house.versions() == [1, 2]
    listed = {each.pk: each for each in members.roster.devices}
    mine, before = listed[gate.pk.hex()], listed[keys.public_key(old).hex()]
    assert (mine.name, mine.kind, mine.site) == ("South 1", "handheld", 4)
    assert (mine.cutoff, before.cutoff) == (None, Cutoff(1, 1))
    assert problem(gate.ask("/devices/roll", b"", secret=old)) == (401, "request_revoked_device")


def test_nobody_escapes_a_command_by_rolling(house: House) -> None:
    """What the old key was told is told to the new one, under the same number."""
    gate = house.gate()
    give(house, gate, "lock")
    give(house, gate, "wipe")
    new = keys.secret_key(os.urandom(32))
    good(gate.ask("/devices/roll", roll(bytes.fromhex(gate.id), new)))
    gate.secret = new
    assert newest(gate) == 2
    assert len(taken(gate)) == 2
    assert give(house, gate, "lock")["number"] == 3


def test_a_gate_that_is_revoked_meanwhile_gets_no_new_key(house: House) -> None:
    """Its request was let in; the revocation was faster."""
    gate, new = house.gate(), keys.secret_key(os.urandom(32))
    body = roll(bytes.fromhex(gate.id), new)

    async def revoking() -> httpx.Response:
        async with holding(house.service) as conn:
            await conn.execute(
                """UPDATE device SET revoked_at = now(), cutoff_incarnation = 0, cutoff_seq = 0
                    WHERE device_id = $1""",
                bytes.fromhex(gate.id),
            )
            rolling = await blocked(conn, lambda: gate.ask("/devices/roll", body))
        return await rolling

    assert problem(awaited(revoking())) == (401, "request_revoked_device")
    assert [row["n"] for row in house.rows(COUNT)] == [1]


def test_who_revokes_a_gate_means_its_newest_key(house: House) -> None:
    """Also who has read its old name, just before it rolled."""
    gate = house.gate()
    old, new = gate.id, keys.secret_key(os.urandom(32))
    good(gate.ask("/devices/roll", roll(bytes.fromhex(old), new)))
    gate.secret = new
    good(house.owner.post(f"{house.devices}/{old}/revoke", json={"incarnation": 0, "seq": 0}))
    assert good(gate.ask("/sync"))["roster"] == 2, "a cutoff is that of one log"
    good(house.owner.post(f"{house.devices}/{old}/revoke", json={}))
    assert problem(gate.ask("/sync/report", b"{}")) == (401, "request_revoked_device")


def test_a_key_that_is_not_proved_is_not_listed(house: House) -> None:
    """Signed for another device, of another length, or a member's already."""
    gate, other = house.gate(), house.gate()
    new = keys.secret_key(os.urandom(32))
    foreign = roll(bytes.fromhex(other.id), new)
    assert problem(gate.ask("/devices/roll", foreign)) == (400, "enrol_bad_proof")
    assert problem(gate.ask("/devices/roll", foreign[:-1])) == (400, "enrol_body")
    known = roll(bytes.fromhex(gate.id), other.secret)
    assert problem(gate.ask("/devices/roll", known)) == (409, "device_known")
    members = gate.learn()
    assert hashing.device_id(keys.public_key(new)) not in members.devices
    assert members.devices[bytes.fromhex(gate.id)].cutoff is None
