"""Gates of one site in several processes, every one connected with every other.

with hosts(folder, gates=21, processes=3, tickets=100) as site:
    site.scan(0, site.world.bulk(7))      # at gate 0, whichever process it is in
    site.told()                           # by each process, what its gates have heard
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks.sync.hosting import Asked, Told
from benchmarks.sync.venue import until
from edge.practice.place import practice_settings
from edge.practice.world import World, post_lane
from edge.settings import LaneSettings, LanSettings
from shared.claims.leases import SETTLE_MS
from tests.edge.appliance import free_port


class Site:
    """The processes, and how many gates each has."""

    def __init__(self, world: World, each: int) -> None:
        self.world = world
        self.processes: list[subprocess.Popen[bytes]] = []
        self._each = each

    def scan(self, gate: int, text: str) -> str:
        """Scan at a gate; return the verdict's code."""
        process, place = divmod(gate, self._each)
        return self._ask(self.processes[process], Asked(place, text)).code

    def told(self) -> list[Told]:
        """Return what every process tells."""
        return [self._ask(each, Asked()) for each in self.processes]

    def _ask(self, process: "subprocess.Popen[bytes]", asked: Asked) -> Told:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("a process without a way in and out")
        process.stdin.write(msgspec.json.encode(asked) + b"\n")
        process.stdin.flush()
        return msgspec.json.decode(process.stdout.readline(), type=Told)


@contextmanager
def hosts(folder: Path, gates: int, processes: int, tickets: int) -> Iterator[Site]:
    """Start gates; wait until all are connected, and every one may grant rights as an owner."""
    world = World.make(int(time.time()), tickets=tickets)
    files = _gates(folder, world, gates)
    each = -(-gates // processes)
    site = Site(world, each)
    with ExitStack() as stack:
        for first in range(0, gates, each):
            command = [sys.executable, "-m", "benchmarks.sync.hosting"]
            some = map(str, files[first : first + each])
            process = subprocess.Popen(
                [*command, *some], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            stack.callback(_end, process)
            site.processes.append(process)
        until(lambda: all(told.peers == gates - 1 for told in site.told()), "a whole LAN", 60)
        time.sleep(SETTLE_MS / 1000 + 1)
        yield site


def _gates(folder: Path, world: World, count: int) -> list[Path]:
    """Set gates up that list one another and know one another's addresses."""
    ports = [free_port() for _ in range(count)]
    made = []
    for index, port in enumerate(ports):
        place = folder / f"gate-{index}"
        # Of a pair, one dials: else every connection is made twice, and one given up.
        others = tuple(f"127.0.0.1:{other}" for other in ports[index + 1 :])
        settings = msgspec.structs.replace(
            practice_settings(place, "127.0.0.1", 0, camera=False),
            lan=LanSettings(
                enabled=True, host="127.0.0.1", port=port, peers=others, discovery=False
            ),
            lanes=(LaneSettings("north", unattended=True),),
        )
        made.append((place, settings, world.install(settings, name=f"gate {index}", names=False)))
    files = []
    for place, settings, me in made:
        world.load(settings, me, 2, names=False)  # by now the roster has all of them
        post_lane(settings, "north")
        files.append(place / "settings.json")
        files[-1].write_bytes(msgspec.json.encode(settings))
    return files


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
    if process.stdout is not None:
        process.stdout.close()
    process.wait()
