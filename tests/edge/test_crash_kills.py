"""Real kills under load: several threads scan, and the process dies wherever it happens to be."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final

from tests.edge.crashing import Shown, child, greens, seen, until_closed, written
from tests.edge.gates import Site, chained

TICKETS: Final = ("standing", "standing 2", "standing 3", "bound")
ROUNDS: Final = 12


def test_no_green_is_ever_lost_whenever_the_process_dies(shut: Site) -> None:
    """In and out by turns on four lanes; at most one scan a lane was cut off each time."""
    chance, shown = random.Random(7), list[Shown]()
    for _ in range(ROUNDS):
        with child(_busy(shut)) as (reader, kill):
            for _ in range(chance.randrange(1, 40)):
                shown.append(reader.recv())
            kill()
            shown += until_closed(reader)  # what was on the wire before
    shut.open()
    chained(shut)
    promised, kept = greens(shown), written(shut, TICKETS)
    assert not promised - kept
    unseen = sum((kept - promised).values())
    assert unseen <= ROUNDS * len(TICKETS) * 2  # a re-entry by another lane is a record more
    assert sum(promised.values()) > 50
    assert shut.gate.board.counts("north").inside in range(len(TICKETS) + 1)


def _busy(site: Site) -> Callable[[Callable[[Shown], None]], None]:
    """Return the work of a gate where everybody comes and goes until it is killed."""

    def work(show: Callable[[Shown], None]) -> None:
        gate = site.open()

        def come_and_go(ticket: str) -> None:
            for turn in count():
                lane = ("north", "out")[turn % 2]
                show(seen(ticket, gate.station.scan(site.text(ticket), lane, "hand")))

        threads = [threading.Thread(target=come_and_go, args=(each,)) for each in TICKETS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return work


def test_the_counters_of_a_killed_gate_never_go_back(shut: Site) -> None:
    """They are written now and then; what was written stays."""

    def work(show: Callable[[Shown], None]) -> None:
        gate = shut.open()
        for _ in range(5):
            gate.station.scan("no ticket", "north", "hand")
        gate.keep_counts()
        show(Shown("", "", green=False, people=0))
        threading.Event().wait()

    with child(work) as (reader, _):
        reader.recv()
    shut.open()
    assert shut.gate.stores.log.counted() == Counter(not_a_ticket=5)
