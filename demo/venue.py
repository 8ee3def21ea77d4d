"""The venue of the demo: real gates, each in a folder of its own, on one made-up clock.

A gate here is what an appliance runs, without its processes: SQLite file, log, decisions. What
gates tell each other goes by file, as in a venue without a network.
"""

from pathlib import Path

from edge.gate.gate import Gate, Machine, open_gate
from edge.gate.setup import Feeding, set_up
from edge.practice.organizer import Organizer
from edge.practice.world import NORTH, SOUTH, World, feed, post_lane
from edge.settings import LaneSettings, Settings
from edge.store.identity import Identity

ENTRY, EXIT = "entry", "exit"
PLACES = {"North": NORTH, "South": SOUTH, "Office": NORTH}


class Clock:
    """The demo's time, in unix milliseconds."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def machine(self) -> Machine:
        """Return a machine with this clock."""
        return Machine(lambda: self.ms, lambda: self.ms, lambda: self.ms / 1000)


class Venue:
    """Two gates and an office that hears of both."""

    def __init__(self, folder: Path, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.gates: dict[str, Gate] = {}
        self._settings = {name: _settings(folder / name, name) for name in PLACES}
        self._devices = {name: _enrolled(world.organizer, self._settings[name]) for name in PLACES}

    def preload(self, name: str) -> list[str]:
        """Load a gate and open it; return in words what it was loaded with."""
        settings, machine = self._settings[name], self.clock.machine()
        news = self.world.load(settings, self._devices[name], machine=machine)
        for lane in (ENTRY, EXIT):
            post_lane(settings, lane, PLACES[name], exiting=lane == EXIT)
        self.gates[name] = open_gate(settings, machine, "demo")
        return news

    def carry(self, source: str, target: str) -> list[str]:
        """Carry a gate's log to another; return in words what was new to it."""
        gate = self.gates[source]
        feeding = Feeding(gate.stores, gate.me, gate.clock)
        data = b"".join(feeding.export())
        news = feed(self._settings[target], self._devices[target], data, self.clock.machine())
        self.gates[target].reload()
        return [each for each in news if " 0 new" not in each]

    def inside(self, name: str) -> int:
        """Return how many people are in the arena, as a gate knows it."""
        return self.gates[name].board.counts(ENTRY).inside

    def close(self) -> None:
        """Close all gates."""
        for gate in self.gates.values():
            gate.close()


def _settings(folder: Path, name: str) -> Settings:
    lanes = tuple(LaneSettings(lane, unattended=True) for lane in (ENTRY, EXIT))
    return Settings(str(folder), str(folder / "run"), name, clock="network", lanes=lanes)


def _enrolled(organizer: Organizer, settings: Settings) -> Identity:
    me = set_up(settings.data_folder, organizer.tenant, organizer.root)
    organizer.enrol(settings.name, me.pk)
    return me
