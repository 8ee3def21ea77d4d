"""Gates in processes of their own that are killed: what they had shown, and what was left.

A child is forked, so that dozens of kills cost seconds. It tells each verdict down a pipe
after the scan has returned, as a screen would show it, and nothing else leaves it.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from edge.gate.verdict import Verdict
from edge.store.database import Database
from edge.store.log import Probe
from shared.log.record import Kind, Record
from shared.outcomes import Signal
from tests.edge.gates import Site, id_hash

FORK = multiprocessing.get_context("fork")
ENTERING = {"admitted": Kind.IN, "readmitted": Kind.IN, "exit": Kind.OUT}


class Shown(NamedTuple):
    """A verdict that somebody saw."""

    ticket: str
    code: str
    green: bool
    people: int


def die() -> None:
    """End this process as a power cut would: no handler, no flush, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(step: str, times: int) -> Probe:
    """Return a probe that ends the process when `step` is passed for that time."""
    seen: Counter[str] = Counter()

    def probe(at: str) -> None:
        seen[at] += 1
        if at == step and seen[at] == times:
            die()

    return probe


def dying_in_writes(times: int, *, after: bool) -> None:
    """Have this process end before or after its so-manieth transaction is committed."""
    write, seen = Database.writing, Counter[str]()

    @contextmanager
    def writing(self: Database) -> Iterator[object]:
        seen["writes"] += 1
        mine = seen["writes"] == times
        with write(self) as connection:
            yield connection
            if mine and not after:
                die()
        if mine:
            die()

    Database.writing = writing  # type: ignore[method-assign,assignment]


Work = Callable[[Callable[[Shown], None]], None]


@contextmanager
def child(work: Work) -> Iterator[tuple[Connection, Callable[[], None]]]:
    """Run `work` in a process; give what it shows, and how to kill it. It is dead behind this."""
    reader, writer = FORK.Pipe(duplex=False)
    lock = threading.Lock()

    def show(shown: Shown) -> None:
        with lock:
            writer.send(shown)

    process = FORK.Process(target=work, args=(show,))
    process.start()
    writer.close()
    try:
        yield reader, process.kill
    finally:
        process.kill()
        process.join()
        process.close()
        reader.close()


def all_shown(work: Work) -> list[Shown]:
    """Run `work` to its end or its death; return what it has shown until then."""
    with child(work) as (reader, _):
        return [*until_closed(reader)]


def until_closed(reader: Connection) -> Iterator[Shown]:
    """Yield what comes until nobody can send any more."""
    while True:
        try:
            yield reader.recv()
        except EOFError:
            return


def seen(ticket: str, verdict: Verdict) -> Shown:
    return Shown(ticket, verdict.code, verdict.signal is Signal.ADMIT, verdict.people)


def scanning(site: Site, scans: Iterable[tuple[str, str, int]], probe: Probe) -> Work:
    """Return the work of a gate that opens, scans and stays open until it is killed."""

    def work(show: Callable[[Shown], None]) -> None:
        site.probe = probe
        gate = site.open()
        for ticket, lane, people in scans:
            verdict = gate.station.scan(site.text(ticket), lane, "hand", people)
            show(seen(ticket, verdict))
        die()

    return work


def greens(shown: Iterable[Shown]) -> Counter[tuple[str, Kind]]:
    """Return how many people passed, by ticket and direction, as far as anybody saw."""
    count: Counter[tuple[str, Kind]] = Counter()
    for each in shown:
        if each.green:
            count[each.ticket, ENTERING[each.code]] += each.people
    return count


def written(site: Site, tickets: Iterable[str]) -> Counter[tuple[str, Kind]]:
    """Return the same as the log has it."""
    names = {id_hash(site.world, ticket): ticket for ticket in tickets}
    records: list[Record] = site.records(Kind.IN, Kind.OUT)
    return Counter((names[r.ticket], Kind(r.kind)) for r in records if r.ticket in names)


def lose(folder: Path, *names: str) -> None:
    """Delete files, as a careless repair would."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
