"""Gates on one LAN come to hold the same records, and to make the same of them."""

import asyncio
import statistics
import time
from pathlib import Path

from edge.store.log import Entry
from shared.log import writer
from shared.log.record import EMPTY, Kind, seal
from tests.edge.lans import until, venue

FOUR = ("North", "South", "East", "West")


async def two_gates(folder: Path) -> None:
    async with venue(folder, "North", "South") as site:
        await site.scan("North", "standing")
        await site.connect("North", "South")
        await site.alike()
        assert (await site.scan("South", "standing")).code == "already_admitted"
        assert (await site.scan("South", "seated")).code == "admitted"
        held = site["South"].vector()
        await until(lambda: site["North"].vector() == held)
        assert (await site.scan("North", "seated")).code == "already_admitted"
        await site.alike()


def test_two_gates_know_of_each_others_guests(tmp_path: Path) -> None:
    """Before they met and after, by vector and by push; their views are equal byte for byte."""
    asyncio.run(two_gates(tmp_path))


async def four_gates(folder: Path) -> None:
    async with venue(folder, *FOUR) as site:
        for name, ticket in zip(FOUR, ("standing", "seated", "trio", "standing"), strict=True):
            await site.scan(name, ticket)
        await site.connect(*FOUR)
        await site.alike()
        scans = [
            site.scan(name, ticket, lane)
            for name in FOUR
            for ticket in ("standing", "seated", "trio")
            for lane in ("north", "out")
        ]
        await asyncio.gather(*scans)
        await site.alike()
        await until(lambda: all(len(member.lan.peers.all()) == 3 for member in site))


def test_four_gates_make_the_same_of_what_all_did(tmp_path: Path) -> None:
    """Copies of one ticket let in before they met, then entries and exits at all four at once."""
    asyncio.run(four_gates(tmp_path))


async def by_way_of_a_third(folder: Path) -> None:
    async with venue(folder, "North", "South", "East") as site:
        site.aim("North", "South")
        site.aim("South", "East")
        await site.connected("North", "South")
        await site.connected("South", "East")
        await site.scan("North", "standing")
        await site.alike()
        assert site["East"].device not in site["North"].peers()
        assert (await site.scan("East", "standing")).code == "already_admitted"


def test_records_come_by_way_of_a_third_gate(tmp_path: Path) -> None:
    """Two gates that do not reach each other hear of each other by one that reaches both."""
    asyncio.run(by_way_of_a_third(tmp_path))


async def pushed(folder: Path) -> list[float]:
    async with venue(folder, *FOUR) as site:
        await site.connect(*FOUR)
        await site.alike()
        took = []
        for _ in range(20):
            await site.scan("North", "standing")
            start, held = time.monotonic(), site["North"].vector()
            await until(lambda: all(member.vector() == held for member in site))  # noqa: B023
            took.append(time.monotonic() - start)
        return took


def test_an_admission_is_known_at_once(tmp_path: Path) -> None:
    """At three other gates, long before the next round of gossip: on a quiet machine 10 ms."""
    assert statistics.median(asyncio.run(pushed(tmp_path))) < 0.1


async def much(folder: Path) -> float:
    async with venue(folder, "North", "South") as site:
        north = await site.close("North")
        gate = north.gate
        with gate.ledger.lock:
            tail, raws = gate.ledger._tail, []
            for index in range(10_000):
                record = writer.place(tail, EMPTY._replace(kind=Kind.MARK, reason=1), index, index)
                raws.append(seal(record, gate.me.secret))
                tail = writer.advance(tail, raws[-1])
            gate.stores.log.append(map(Entry, raws))
        north.reopen()
        await site.open(north, "North")
        start = time.monotonic()
        await site.connect("North", "South")
        await site.alike()
        return time.monotonic() - start


def test_a_long_log_comes_over_in_pieces(tmp_path: Path) -> None:
    """Ten thousand records, which many questions and answers bring."""
    assert asyncio.run(much(tmp_path)) < 20
