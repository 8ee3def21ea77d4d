"""Many lanes at once: one device, one log, one green for each right."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from edge.gate.station import Station
from edge.practice.world import NORTH, World
from edge.settings import settings_of
from edge.store.stores import open_stores
from shared.log.record import Kind
from tests.edge.gates import Site, chained, posted

LANES = tuple(f"lane-{number}" for number in range(8))


@pytest.fixture
def wide(shut: Site, evening: World) -> Site:
    """Return a gate of eight lanes."""
    lanes = [{"id": lane, "unattended": True} for lane in LANES]
    places = {"data": shut.settings.data, "run": shut.settings.run, "clock": "network"}
    stores = open_stores(shut.folder)
    stores.settings.put({f"lane:{lane}": posted(NORTH) for lane in LANES})
    stores.close()
    shut.settings = settings_of(places | {"lanes": lanes})
    shut.open()
    return shut


def together(calls: Iterable[Callable[[], object]]) -> None:
    """Call all at the same moment, each in a thread of its own."""
    calls = list(calls)
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        gate.wait()
        call()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_ticket_at_eight_lanes_at_once_is_one_green(wide: Site) -> None:
    """Twenty tickets, one after the other."""
    for index in range(20):
        seen: list[str] = []

        def scan(lane: str, index: int = index, seen: list[str] = seen) -> None:
            seen.append(wide.scan(f"#{index}", lane).code)

        together(partial(scan, lane) for lane in LANES)
        assert Counter(seen) == {"admitted": 1, "already_admitted": 7}
    assert len(wide.records(Kind.IN)) == 20
    chained(wide)


def test_nobody_decides_on_a_ticket_between_anothers_decision_and_its_record(
    wide: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who has decided waits for a second to decide as well: none can."""
    meeting, write = threading.Barrier(2), Station._write

    def late(self: Station, *all_: Any) -> list[bytes]:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.3)
        return write(self, *all_)

    monkeypatch.setattr(Station, "_write", late)
    seen: list[str] = []

    def scan(lane: str) -> None:
        seen.append(wide.scan("seated", lane).code)

    together(partial(scan, lane) for lane in LANES[:2])
    assert Counter(seen) == {"admitted": 1, "already_admitted": 1}


def test_different_tickets_at_eight_lanes_are_all_green(wide: Site) -> None:
    """Five each; the chain is whole, and every green is in the log."""
    seen: list[str] = []

    def scan(number: int) -> None:
        seen.extend(wide.scan(f"#{number * 5 + i}", LANES[number]).code for i in range(5))

    together(partial(scan, number) for number in range(8))
    assert seen == ["admitted"] * 40
    assert len(wide.records(Kind.IN)) == 40
    chained(wide)


def test_a_group_at_eight_lanes_is_no_larger_than_it_is(wide: Site) -> None:
    """Four of eight get in."""
    seen: list[str] = []

    def scan(lane: str) -> None:
        seen.append(wide.scan("family", lane).code)

    together(partial(scan, lane) for lane in LANES)
    assert Counter(seen) == {"admitted": 4, "no_entries_left": 4}


def test_counters_lose_nothing_between_threads(wide: Site) -> None:
    """Each refused code is counted once."""

    def scan(lane: str) -> None:
        for number in range(50):
            wide.scan(f"no ticket {number}", lane)

    together([*(partial(scan, lane) for lane in LANES), wide.gate.keep_counts])
    wide.gate.keep_counts()
    assert wide.gate.stores.log.counted() == {"not_a_ticket": 400}


def test_a_reload_in_the_middle_of_it_disturbs_nobody(wide: Site) -> None:
    """Deliveries come while people scan."""
    seen: list[str] = []

    def scan(number: int) -> None:
        seen.extend(wide.scan(f"#{number * 10 + i}", LANES[number]).code for i in range(10))

    def reload() -> None:
        for _ in range(10):
            wide.gate.reload()

    together([*(partial(scan, number) for number in range(4)), reload])
    assert seen == ["admitted"] * 40
    chained(wide)
