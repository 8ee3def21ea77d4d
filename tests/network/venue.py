"""A venue of real gates, put up inside the namespaces by whoever plays a scene in it.

with venue(brief) as hall:
    hall.open()                             # enrolled, preloaded, posted, connected
    hall.gates["North"].scan(code)
    hall.cut_internet("North")
    return hall.agreed()
"""

import datetime
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from edge.certs import make_authority
from edge.settings import LanSettings
from tests.network.brief import Brief
from tests.network.gate import LAN, Gate, settings_of
from tests.network.namespaces import NETWORK, Lan, Machine, lan
from tests.network.organizer import GATES, Organizer
from tests.network.waiting import until

AGREED: Final = 60.0  # seconds until everybody says the same
CONNECTED: Final = 45.0


class Venue:
    """`discovery`: gates find each other by multicast, and no settings name their addresses."""

    def __init__(
        self,
        brief: Brief,
        network: Lan,
        names: Iterable[str],
        *,
        discovery: bool,
        clocks: Mapping[str, tuple[str, Mapping[str, str]]],
    ) -> None:
        self.brief = brief
        self.lan = network
        self.organizer = Organizer.of(brief)
        machines = {name: network.machine(name) for name in names}
        now = datetime.datetime.now(datetime.UTC)
        self.authority = make_authority("Harbour Hall", [f"{NETWORK}.0/24"], now)
        self.gates = {
            name: self._gate(name, machines, clocks.get(name, ("network", {})), discovery=discovery)
            for name in machines
        }
        for gate in self.gates.values():
            gate.prepare(self.authority, now)
        self._lines: dict[str, Any] = {}
        self.mend_internet(*machines)

    def _gate(
        self,
        name: str,
        machines: Mapping[str, Machine],
        clock: tuple[str, Mapping[str, str]],
        *,
        discovery: bool,
    ) -> Gate:
        others = [f"{each.address}:{LAN}" for each in machines.values() if each.name != name]
        peers = () if discovery else tuple(others)
        on_lan = LanSettings(True, "0.0.0.0", LAN, peers, discovery=discovery)
        address = machines[name].address
        folder = Path(self.brief.folder) / name.lower()
        return Gate(machines[name], settings_of(folder, name, address, on_lan, clock[0]), clock[1])

    def open(self) -> None:
        """Enrol every gate, have it fetch the list, post its lanes, and let all find each other."""
        self.each(self.enrol)
        others = len(self.gates) - 1
        until(lambda: self.peers() == [others] * (others + 1), "all are connected", CONNECTED)

    def enrol(self, gate: Gate) -> None:
        """Enrol and open one gate."""
        gate.enrol(self.organizer)
        gate.start()
        until(lambda: gate.version(self.brief.ref), f"{gate.name} has the list", CONNECTED)
        gate.post()

    def each(self, act: Callable[[Gate], Any]) -> list[Any]:
        """Do something at every gate at one time; return what came of it, by the gates' order."""
        with ThreadPoolExecutor(len(self.gates)) as pool:
            return list(pool.map(act, self.gates.values()))

    def peers(self) -> list[int]:
        """Return how many others each gate reaches."""
        return [gate.status()["peers"] for gate in self.gates.values()]

    def cut_internet(self, *names: str) -> None:
        """Take the way to the cloud from these gates; what is on it is lost."""
        for name in names or tuple(self.gates):
            line = self._lines.pop(name)
            line.kill()
            line.wait()

    def mend_internet(self, *names: str) -> None:
        """Give it back."""
        for name in names or tuple(self.gates):
            self._lay(name, "tests.network.relay", "listen")

    def spoil_internet(self, name: str, report: Path) -> None:
        """Give a gate a bad line instead (tests/network/faults.py)."""
        self.cut_internet(name)
        self._lay(name, "tests.network.faults", str(self.brief.seed), str(report))

    def _lay(self, name: str, module: str, *words: str) -> None:
        port = str(urlsplit(self.brief.address).port)
        line = [sys.executable, "-m", module, *words, "127.0.0.1", port, self.brief.way_out]
        self._lines[name] = self.lan.machines[name].start(line)

    def views(self) -> dict[str, Any]:
        """Return what each gate says of the event, by name."""
        return {name: self._told(gate.view()) for name, gate in self.gates.items()}

    def _told(self, view: dict[str, Any]) -> Any:
        return view["events"].get(self.brief.ref)

    def gates_agree(self) -> Any:
        """Return the view of all gates, None while they have different ones."""
        first, *others = self.views().values()
        return first if all(other == first for other in others) else None

    def agree_without_cloud(self) -> Any:
        """Wait until all gates say the same; return it."""
        return until(self.gates_agree, "the gates agree", AGREED, every=0.3)

    def agreed(self) -> Any:
        """Wait until gates and cloud say the same and nothing waits; return what they say."""

        def look() -> Any:
            if any(gate.view()["waiting"] for gate in self.gates.values()):
                return None
            view = self.gates_agree()
            return view if view == self.organizer.summary() else None

        return until(look, "gates and cloud agree", AGREED, every=0.3)

    def noticed(self, told: Callable[[dict[str, Any]], bool], what: str, *names: str) -> None:
        """Wait until these gates, or all, say of themselves what was done to them."""
        chosen = [self.gates[name] for name in names or self.gates]
        until(lambda: all(told(gate.status()) for gate in chosen), what)


@contextmanager
def venue(
    brief: Brief,
    names: Iterable[str] = GATES,
    *,
    discovery: bool = False,
    clocks: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
) -> Iterator[Venue]:
    """Put up the machines of a venue. `clocks`: what vouches for a gate's clock, and the
    environment that bends it, for those that have not the usual one."""
    with lan() as network:
        yield Venue(brief, network, names, discovery=discovery, clocks=clocks or {})


def tell(what: Any) -> None:
    """Hand the outcome of a scene to whoever asked for it."""
    print(json.dumps(what), flush=True)  # noqa: T201  the only line on stdout
