"""Ten minutes at a busy gate: eight lanes, ten scans a second, a million tickets.

    python -m benchmarks.soak           # ten minutes
    python -m benchmarks.soak 60        # so many seconds

Not a suite of `make bench`: it takes as long as it says. Prints one line every ten seconds, and
at the end whether memory stayed flat and whether every scan had its verdict.
"""

import ssl
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import httpx
import msgspec
import psutil

from benchmarks.report import percentile
from edge.commands.access import make_key
from edge.practice.place import practice_settings, provision
from edge.practice.world import World
from edge.settings import LaneSettings
from tests.edge.appliance import Appliance, free_port, never

LANES = 8
RATE = 10.0  # scans a second in all
TICKETS = 1_000_000
KEYS = [f"{lane:043}" for lane in range(LANES)]


class Lane(threading.Thread):
    """Scans its share of the tickets at its share of the rate."""

    def __init__(self, gate: Appliance, number: int, until: float) -> None:
        super().__init__()
        self.spent: list[float] = []
        self.codes: dict[str, int] = {}
        self._gate = gate
        self._number = number
        self._until = until

    def run(self) -> None:
        """Scan until the time is over: nine new tickets, then one again."""
        trusted = ssl.create_default_context(cafile=self._gate.ca)
        headers = {"Authorization": f"Bearer {KEYS[self._number]}"}
        url = self._gate.url
        with httpx.Client(base_url=url, verify=trusted, timeout=30, headers=headers) as client:
            due, count = time.monotonic(), 0
            while due < self._until:
                time.sleep(max(0.0, due - time.monotonic()))
                index = self._number + LANES * (count - (count % 10 == 9) * 5)
                self._scan(client, self._gate.world.bulk(2 * index))
                count += 1
                due += LANES / RATE

    def _scan(self, client: httpx.Client, text: str) -> None:
        begin = time.perf_counter()
        code = client.post("/v1/scan", json={"text": text}).json()["code"]
        self.spent.append((time.perf_counter() - begin) * 1e3)
        self.codes[code] = self.codes.get(code, 0) + 1


def made(folder: Path) -> Appliance:
    """Return an appliance with a lane for each thread."""
    settings = practice_settings(folder, "127.0.0.1", free_port(), camera=False)
    lanes = tuple(LaneSettings(f"lane-{n}", "api", unattended=True) for n in range(LANES))
    settings = msgspec.structs.replace(settings, lanes=lanes)
    world = World.make(int(time.time()), tickets=TICKETS)
    provision(world, settings, names=False)
    for lane, key in zip(lanes, KEYS, strict=True):
        make_key(settings, lane.id, key, never)
    return Appliance(folder, settings, world)


def main() -> None:
    """Print how it went."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory(prefix="usher-") as name, made(Path(name)) as gate:
        gate.start()
        process = psutil.Process(gate.agent.pid if gate.agent else 0)
        until = time.monotonic() + seconds
        lanes = [Lane(gate, number, until) for number in range(LANES)]
        for lane in lanes:
            lane.start()
        memory = []
        while time.monotonic() < until:
            time.sleep(min(10.0, max(0.0, until - time.monotonic())))
            memory.append(process.memory_info().rss / 1e6)
            done = sum(len(lane.spent) for lane in lanes)
            print(f"{done:7,} verdicts, {memory[-1]:6.1f} MB", flush=True)
        for lane in lanes:
            lane.join()
        spent = sorted(ms for lane in lanes for ms in lane.spent)
        codes: dict[str, int] = {}
        for lane in lanes:
            for code, times in lane.codes.items():
                codes[code] = codes.get(code, 0) + times
        tenth = max(1, len(memory) // 10)
        print(f"verdicts {codes}; over HTTPS p50 {percentile(spent, 0.5):.1f} ms,")
        print(f"p99 {percentile(spent, 0.99):.1f} ms, longest {spent[-1]:.0f} ms;")
        first, last = median(memory[:tenth]), median(memory[-tenth:])
        print(f"memory {first:.1f} MB at first, {last:.1f} MB at last")


if __name__ == "__main__":
    main()
