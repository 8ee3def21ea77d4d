"""Networks fail, gates are killed, and what was admitted meanwhile comes together again."""

import asyncio
import time
from pathlib import Path

import pytest

from edge.lan import line as lines
from edge.lan.line import Line
from tests.edge.lans import until, venue


async def cut_and_healed(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        cable = await site.cable("South")
        site["North"].lan.aim("127.0.0.1", cable.port)
        await site.connected("North", "South")
        await site.alike()
        cable.cut()
        await until(lambda: not site["North"].peers() and not site["South"].peers())
        north, south = await site.scan("North", "standing"), await site.scan("South", "standing")
        assert (north.code, south.code) == ("admitted", "admitted")
        assert site["North"].site.gate.ledger.summary().findings == ()
        cable.heal()
        await site.connected("North", "South")
        await site.alike()
        findings = site["North"].site.gate.ledger.summary().findings
        assert [finding.kind for finding in findings] == ["double_admission"]


def test_a_partition_heals_and_tells_what_it_cost(tmp_path: Path) -> None:
    """Two copies came in while the cable was cut: one incident at both gates."""
    asyncio.run(cut_and_healed(tmp_path))


async def flapping(folder: Path) -> None:
    async with venue(folder, "North", "South", "East") as site:
        cables = []
        for caller, called in (("North", "South"), ("South", "East"), ("East", "North")):
            cable = await site.cable(called)
            site[caller].lan.aim("127.0.0.1", cable.port)
            cables.append(cable)
        tickets = ["standing", "seated", "trio"]
        for turn in range(12):
            cables[turn % 3].cut()
            await asyncio.gather(
                *(site.scan(name, tickets[turn % 3]) for name in ("North", "South", "East"))
            )
            await asyncio.sleep(0.1)
            cables[turn % 3].heal()
        await site.connected("North", "South", "East")
        await site.alike()


def test_cables_that_come_and_go_lose_nothing(tmp_path: Path) -> None:
    """Whatever was on its way when one went."""
    asyncio.run(flapping(tmp_path))


async def hanging(folder: Path) -> tuple[float, float]:
    async with venue(folder, "North", "South") as site:
        cable = await site.cable("South")
        site["North"].lan.aim("127.0.0.1", cable.port)
        await site.connected("North", "South")
        before = {member.device: member.lan.peers.all() for member in site}
        cable.silence()
        start = time.monotonic()

        def renewed() -> bool:
            now = {member.device: member.lan.peers.all() for member in site}
            return all(each and each != before[name] for name, each in now.items())

        await until(renewed)
        took = time.monotonic() - start
        await site.scan("North", "standing")
        seen = time.monotonic()
        await site.alike()
        return took, time.monotonic() - seen


def test_a_connection_that_hangs_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that the cable swallows all: both notice by the silence (shorter here)."""
    monkeypatch.setattr(Line.receive, "__defaults__", (3.0,))
    took, seen = asyncio.run(hanging(tmp_path))
    assert 1 < took < 12
    assert seen < 3
    assert lines.IDLE_SECONDS == 8


async def restarted(folder: Path, *, dialler: str) -> None:
    """Kill one gate while the other end of its connection hears nothing of it."""
    other = {"North": "South", "South": "North"}[dialler]
    async with venue(folder, "North", "South") as site:
        cable = await site.cable(other)
        site[dialler].lan.aim("127.0.0.1", cable.port)
        await site.connected("North", "South")
        await site.scan("North", "standing")
        await site.alike()
        cable.silence()
        killed = await site.close("North")
        killed.reopen()
        await site.open(killed, "North")
        old = site["South"].lan.peers.all()
        start = time.monotonic()
        site.aim("North", "South")
        await until(lambda: site["South"].lan.peers.all() not in (old, ()))
        assert time.monotonic() - start < 3, "the new boot does not wait for the old one's silence"
        await site.connected("North", "South")
        assert (await site.scan("South", "standing")).code == "already_admitted"
        await site.alike()


@pytest.mark.parametrize("dialler", ["North", "South"])
def test_a_gate_that_starts_again_is_connected_at_once(tmp_path: Path, dialler: str) -> None:
    """Its peer still holds a connection to its former life, whoever had dialled that."""
    asyncio.run(restarted(tmp_path, dialler=dialler))


async def one_for_each_pair(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        cables = [await site.cable("South") for _ in range(2)]
        cables += [await site.cable("North") for _ in range(2)]
        for index, cable in enumerate(cables):
            caller = site["North" if index < 2 else "South"]
            caller.lan.aim("127.0.0.1", cable.port)
        await site.connected("North", "South")
        await until(lambda: sum(cable.lines for cable in cables) == 1)
        ends = [member.lan.peers.all()[0].opened for member in site]
        assert ends[0] == ends[1]
        await asyncio.sleep(1.5)
        assert sum(cable.lines for cable in cables) == 1, "and nobody dials while it lasts"
        await site.scan("South", "standing")
        await site.alike()


def test_a_pair_keeps_one_connection(tmp_path: Path) -> None:
    """Each dials the other by two addresses: both ends keep the same one."""
    asyncio.run(one_for_each_pair(tmp_path))
