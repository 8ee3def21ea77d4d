"""The agent as a process: memory with a million tickets, and from its start to the first scan."""

import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

from benchmarks.report import Row
from tests.edge.appliance import Appliance

SCANS = 2_000


def memory(tickets: int) -> Row:
    """Measure the agent's memory after scans at a large event."""
    with (
        tempfile.TemporaryDirectory(prefix="usher-") as name,
        Appliance.make(Path(name), tickets=tickets) as gate,
    ):
        gate.start()
        for i in range(0, 2 * SCANS, 2):
            gate.scan(gate.world.bulk(i))
        process = psutil.Process(gate.agent.pid if gate.agent else 0)
        info = process.memory_full_info()
    what = f"memory of the agent, {tickets:,} tickets, after {SCANS:,} scans"
    return Row(what, info.uss / 1e6, "MB", 150, "at most", f"resident {info.rss / 1e6:.0f} MB")


def start(tickets: int) -> Row:
    """Measure from the start of the process to the first verdict over HTTPS."""
    with (
        tempfile.TemporaryDirectory(prefix="usher-") as name,
        Appliance.make(Path(name), tickets=tickets) as gate,
    ):
        gate.start()
        gate.kill()
        begin = time.perf_counter()
        gate.start()
        gate.scan(gate.world.bulk(0))
        spent = time.perf_counter() - begin
    what = f"start of the agent to the first verdict, {tickets:,} tickets"
    return Row(what, spent, "s", 2, "at most", "after a kill -9, over HTTPS")


def main() -> None:
    """Print rows as JSON."""
    rows = [start(100_000), memory(1_000_000)]
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
