"""A scan at a gate, from the text of a code to a durable verdict (edge/README.md).

With 100,000 and with 1,000,000 tickets, beside the two raw operations that no gate can do
without: one signature check and one durable insert on the same disk, in the same run.
"""

import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.report import Row, percentile
from edge.gate.gate import Gate, open_gate
from edge.practice import speed
from edge.practice.place import practice_settings
from edge.practice.world import World, post_lane

SCANS = 2_000
ROUNDS = 20


def rows_of(tickets: int, folder: Path) -> list[Row]:
    """Load a gate with `tickets` and scan some of them."""
    settings = practice_settings(folder, "127.0.0.1", 0, camera=False)
    world = World.make(int(time.time()), tickets=tickets)
    world.install(settings, names=False)
    post_lane(settings, speed.LANE)
    codes = [world.bulk(i) for i in range(0, 2 * SCANS, 2)]
    del world
    gate = open_gate(settings)
    try:
        spent, verify, insert, sync = in_turn(gate, codes, folder)
    finally:
        gate.close()
    raw = percentile(verify, 0.5) + percentile(insert, 0.5)
    half, tail = percentile(spent, 0.5), percentile(spent, 0.99)
    what = f"text of a code → durable verdict, {tickets:,} tickets"
    beside = (
        f"verify {percentile(verify, 0.5):.3f} ms + insert {percentile(insert, 0.5):.3f} ms; "
        f"a sync of this disk {percentile(sync, 0.5):.3f} ms"
    )
    return [
        Row(f"{what}: median", half, "ms", 1, "at most", beside),
        Row(f"{what}: 99 of 100", tail, "ms", 5, "at most"),
        Row(f"{what}: of the raw operations", half / raw, "times", 2.5, "at most"),
    ]


def in_turn(gate: Gate, codes: list[str], folder: Path) -> tuple[list[float], ...]:
    """Return durations of scans, signature checks, inserts and syncs, taken in turn so that the
    machine's noise hits all alike."""
    taken: tuple[list[float], ...] = ([], [], [], [])
    each = SCANS // ROUNDS
    with speed.bare(folder) as insert:
        for round_ in range(ROUNDS):
            taken[0].extend(speed.verdicts(gate, codes[round_ * each : (round_ + 1) * each]))
            taken[1].extend(speed.verifications(each))
            taken[2].extend(speed.timed(insert for _ in range(each)))
            taken[3].extend(speed.syncs(folder, each))
    return tuple(map(sorted, taken))


def main() -> None:
    """Print rows as JSON."""
    rows: list[Row] = []
    for tickets in (100_000, 1_000_000):
        with tempfile.TemporaryDirectory(prefix="usher-") as name:
            rows += rows_of(tickets, Path(name))
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
