"""A million records of 200 devices into one view, and one more (spec/merge.md)."""

import random
import resource
import sys
import time
from collections.abc import Callable, Iterator

import msgspec

from benchmarks.report import Row, durations, percentile
from shared.hashing import after_right
from shared.log.record import record_id
from shared.merge.view import View
from tests.scribe import EVENT, Scribe

DEVICES = 200
RECORDS = 1_000_000
DOUBLE_USE = 0.02  # of tickets
RE_ENTRY = 0.20


def crowd(devices: list[Scribe], rng: random.Random) -> Iterator[tuple[bytes, bool]]:
    """Yield signed records as a crowd makes them, and whether each was proved by a token."""
    for i in range(RECORDS):
        ticket = f"t{i}"
        first = rng.choice(devices).enter(ticket)
        yield first, True
        kind = rng.random()
        if kind < DOUBLE_USE:
            yield rng.choice(devices).enter(ticket), True
        elif kind < DOUBLE_USE + RE_ENTRY:
            yield rng.choice(devices).leave(ticket, record_id(first)), True
            yield rng.choice(devices).enter(ticket, after_right(record_id(first))), True


def records(devices: list[Scribe], rng: random.Random) -> list[bytes]:
    told = [device.boot() for device in devices]
    for raw, _ in crowd(devices, rng):
        told.append(raw)
        if len(told) == RECORDS:
            break
    for device in devices:
        device.log.clear()
    return told


def peak() -> float:
    """Return the most memory this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Print rows as JSON."""
    rng = random.Random(1)
    devices = [Scribe(f"device {i}") for i in range(DEVICES)]
    told = records(devices, rng)
    view = View()
    begin = time.perf_counter()
    for raw in told:
        view.add(raw)
    for raw in told:
        if raw[1] == 2:  # OUT: the only kind here that needs its proof
            view.prove(raw)
    found = view.findings()
    seconds = time.perf_counter() - begin
    present = view.present(EVENT, 1)
    more = [rng.choice(devices).enter(f"t{rng.randrange(RECORDS // 2)}") for _ in range(2000)]

    def add(raw: bytes) -> Callable[[], object]:
        return lambda: (view.add(raw), view.present(EVENT, 1))

    one = durations(add(raw) for raw in more)
    rows = [
        Row("merge 1,000,000 records", seconds, "s", 20, "at most",
            f"{len(found):,} incidents, {present:,} people inside"),
        Row("memory for it, records included", peak(), "GB", 1.5, "at most"),
        Row("one more record, counted (median)", percentile(one, 0.5), "µs", 100, "at most",
            f"p99 {percentile(one, 0.99):.0f} µs"),
    ]  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
