"""What the organizer signed, passed on from gate to gate."""

import asyncio
from pathlib import Path

import pytest

from edge.lan.home import home_of
from edge.settings import BadSettings, settings_of
from shared.devices.receipt import Mark, Receipt, seal_receipt
from shared.lan import Type
from tests.edge.gates import NOW
from tests.edge.lans import Venue, until, venue


async def stamped(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        site.aim("North", "South")
        await site.connected("North", "South")
        south = site["South"].site.gate.clock
        later = (NOW + 7) * 1000
        assert south.now().ms < later
        site["North"].lan.relay(Type.STAMP, site.world.organizer.stamp(later))
        await until(lambda: south.now().ms == later)
        site["North"].lan.relay(Type.STAMP, site.world.organizer.stamp(later - 5000))
        await site.scan("North", "standing")
        await site.alike()
        assert south.now().ms == later


def test_a_stamp_raises_a_neighbours_floor(tmp_path: Path) -> None:
    """And an older one changes nothing."""
    asyncio.run(stamped(tmp_path))


async def commanded(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        site.aim("North", "South")
        await site.connected("North", "South")
        north, south = site["North"].site, site["South"].site
        lock = site.world.organizer.command(south.me.device, 3, "lock")
        for _ in range(2):
            site["North"].lan.relay(Type.COMMAND, lock)
        await until(lambda: south.gate.held.why_locked() == "locked")
        unlock = site.world.organizer.command(south.me.device, 2, "unlock")
        site["North"].lan.relay(Type.COMMAND, unlock)
        await site.scan("North", "standing")
        await site.alike()
        assert south.gate.held.why_locked() == "locked", "an older command is not obeyed"
        assert north.gate.held.why_locked() == ""
        assert site["North"].peers() == {south.me.device}


def test_a_command_reaches_its_device_by_another(tmp_path: Path) -> None:
    """It is obeyed once, and by that device alone."""
    asyncio.run(commanded(tmp_path))


async def wiped(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        site.aim("North", "South")
        await site.connected("North", "South")
        south = site["South"].site
        site["North"].lan.relay(
            Type.COMMAND, site.world.organizer.command(south.me.device, 1, "wipe")
        )
        await until(lambda: south.gate.held.why_locked() == "wiped")
        await until(lambda: not site["North"].peers() and not site["South"].peers())
        assert not (south.folder / "device.key").exists()


def test_a_wiped_device_is_nobodys_peer(tmp_path: Path) -> None:
    """The command comes by the LAN; then it hangs up on everybody."""
    asyncio.run(wiped(tmp_path))


def receipt_of(site: Venue, name: str) -> bytes:
    """Return the cloud's word on what it has of a gate's log."""
    (device, boot), mark = next(
        each for each in site[name].vector().items() if each[0][0] == site[name].device
    )
    marks = (Mark(device.hex(), boot, mark.seq, mark.hash.hex()),)
    organizer = site.world.organizer
    receipt = Receipt(organizer.tenant.hex(), NOW * 1000, marks)
    return seal_receipt(receipt, organizer.secret("command"))


async def receipted(folder: Path) -> list[bytes]:
    async with venue(folder, "North", "South") as site:
        taken: list[bytes] = []
        south = await site.close("South")
        await site.open(south, "South", receipt=taken.append)
        site.aim("North", "South")
        await site.connected("North", "South")
        genuine = receipt_of(site, "South")
        site["North"].lan.relay(Type.RECEIPT, genuine)
        await until(lambda: taken)
        assert taken == [genuine]
        return taken


def test_a_receipt_comes_by_a_neighbour(tmp_path: Path) -> None:
    """A gate without internet learns what of its log has arrived."""
    assert len(asyncio.run(receipted(tmp_path))) == 1


async def keyset_then_roster(folder: Path) -> tuple[int, int]:
    async with venue(folder, "North", "South", "East") as site:
        await site.connect("North", "South", "East")
        await asyncio.to_thread(site["North"].site.load, site.world.organizer.preload(3))
        gates = [site[name].site.gate for name in ("South", "East")]
        await until(lambda: all(gate.held.trust.roster.version == 3 for gate in gates))
        keysets = {gate.held.trust.keys.keyset for gate in gates}
        (keyset,) = keysets
        assert keyset is not None
        await site.connected("North", "South", "East")
        return keyset.version, len(keysets)


def test_lists_loaded_at_one_gate_reach_the_others(tmp_path: Path) -> None:
    """The keyset, and the roster that only it may prove."""
    assert asyncio.run(keyset_then_roster(tmp_path)) == (3, 1)


async def incarnation(folder: Path) -> list[int]:
    async with venue(folder, "North") as site:
        found = [home_of(site["North"].site.gate, site["North"].pool).incarnation]
        north = await site.close("North")
        north.reopen()
        member = await site.open(north, "North")
        return [*found, home_of(member.site.gate, member.pool).incarnation]


def test_a_gate_says_which_boot_it_is(tmp_path: Path) -> None:
    """Another at each start."""
    assert asyncio.run(incarnation(tmp_path)) == [1, 2]


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("10.0.0.7:8444", ("10.0.0.7", 8444)),
        ("gate-2.venue:1", ("gate-2.venue", 1)),
        ("[fd00::7]:65535", ("fd00::7", 65535)),
    ],
)
def test_a_peer_of_the_settings_is_an_address(peer: str, address: tuple[str, int]) -> None:
    """A name or an address, and a port."""
    assert settings_of({"lan": {"peers": [peer]}}).lan.addresses == (address,)


@pytest.mark.parametrize("peer", ["", "gate", "gate:", ":8444", "gate:0", "gate:65536", "gate:x"])
def test_what_is_no_address_is_told_at_the_start(peer: str) -> None:
    """And not when nobody answers."""
    with pytest.raises(BadSettings, match="host:port"):
        settings_of({"lan": {"peers": [peer]}})
