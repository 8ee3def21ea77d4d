"""The stage: everything that runs, put up and taken down in order, in one folder.

internet   one cable, between the venue and the cloud
LAN        a cable for each gate to each other
"""

import asyncio
import datetime
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx

from demo import service
from demo.api import until
from demo.cable import Cable
from demo.certificates import Authority
from demo.crowd import SEED
from demo.gate import Gate
from demo.lens import Lens
from demo.page import page
from demo.programs import Programs
from demo.service import Service
from demo.telling import Telling
from demo.venue import GATES, LANES
from demo.watch import Screen
from demo.web import Pages, Site

OPEN_WITHIN: Final = 60.0  # seconds
CA: Final = "venue-ca.crt"
VERSION: Final = "usher_edge_manifest_version"


class Stage:
    """What runs. `up` makes one."""

    def __init__(self, folder: Path, programs: Programs, telling: Telling) -> None:
        self.folder, self.programs, self.telling = folder, programs, telling
        self.authority = Authority(datetime.datetime.now(datetime.UTC))
        self.lenses = {lane.id: Lens(SEED + n) for n, lane in enumerate(LANES)}
        self.site = Site(Pages(page(), telling, self.lenses))
        self.gates = {name: Gate(name, folder / name.lower(), self.authority) for name in GATES}
        self.screens: dict[str, Screen] = {}
        self.internet: Cable
        self.lan: dict[tuple[str, str], Cable] = {}
        self.service: Service
        context = self.authority.context()
        self.venue = httpx.AsyncClient(verify=context, timeout=10.0, trust_env=False)
        self._tasks: list[asyncio.Task[None]] = []

    def run(self, *tasks: "asyncio.Task[None]") -> None:
        """Look after tasks that run until the end."""
        self._tasks += tasks

    async def build(self) -> None:
        """Lay the cables, mount the cameras, and serve the demo's page."""
        port = service.free_port()
        self.internet = Cable("internet", port)
        self.lan = {
            (one, other): Cable(f"{one}-{other}", self.gates[other].lan_port)
            for one in GATES for other in GATES if one != other
        }  # fmt: skip
        for cable in (self.internet, *self.lan.values()):
            await cable.lay()
        self.run(asyncio.create_task(self.site.serve()))
        self.run(*(asyncio.create_task(lens.run()) for lens in self.lenses.values()))
        (self.folder / CA).write_bytes(self.authority.certificate)
        for gate in self.gates.values():
            gate.describe(self.cameras, self.peers_of(gate.name))

    async def start_cloud(self) -> None:
        """Start the cloud behind the internet."""
        public = f"http://127.0.0.1:{self.internet.port}"
        folder = self.folder / "cloud"
        port = self.internet.target
        self.service = await service.serve(self.programs, folder, port, public)

    @property
    def cameras(self) -> dict[str, str]:
        """The addresses of the cameras, by lane."""
        return {lane: f"{self.site.address}/camera/{lane}.mjpeg" for lane in self.lenses}

    def peers_of(self, gate: str) -> list[str]:
        """Return where a gate finds the others on its LAN."""
        return [f"127.0.0.1:{c.port}" for (one, _), c in self.lan.items() if one == gate]

    def part(self, gate: str) -> None:
        """Cut a gate off the LAN."""
        for pair, cable in self.lan.items():
            if gate in pair:
                cable.cut()

    def join(self) -> None:
        """Mend the LAN."""
        for cable in self.lan.values():
            cable.heal()

    async def open_gates(self) -> None:
        """Start agents and cameras, and wait until every lane sees and every screen shows."""
        context = self.authority.context()
        await asyncio.gather(*(gate.make_keys() for gate in self.gates.values()))
        for gate in self.gates.values():
            for lane in gate.lanes:
                self.screens[lane.id] = Screen(gate.host, gate.keys[lane.id], context)
            await gate.open(self.programs, self.cameras)
        self.run(*(asyncio.create_task(screen.run()) for screen in self.screens.values()))
        await until(self._all_see, OPEN_WITHIN, "all cameras see")

    async def preloaded(self) -> bool:
        """Say whether every gate has a list of tickets."""
        self.programs.check()
        states = {screen.status.get("data_state", "none") for screen in self.screens.values()}
        return bool(states) and "none" not in states

    async def version_at(self, gate: Gate, event: str) -> int:
        """Return which version of an event's list a gate goes by, as it tells Prometheus."""
        answer = await self.venue.get(f"https://{gate.host}/metrics")
        found = re.search(rf'^{VERSION}{{event="{event}"}} (\S+)$', answer.text, re.MULTILINE)
        return int(float(found[1])) if found else 0

    async def _all_see(self) -> bool:
        self.programs.check()
        return all(self._sees(lane, screen) for lane, screen in self.screens.items())

    def _sees(self, lane: str, screen: Screen) -> bool:
        cameras = {each["name"]: each for each in screen.status.get("cameras", ())}
        return screen.open and bool(cameras.get(lane, {}).get("connected"))

    async def strike(self) -> None:
        """Take down what runs in this process."""
        await self.venue.aclose()
        self.site.stop()
        for task in self._tasks[1:]:
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait(self._tasks, timeout=3)
        for cable in (self.internet, *self.lan.values()):
            await cable.take_up()


@asynccontextmanager
async def up(folder: Path, logs: Path, telling: Telling) -> AsyncIterator[Stage]:
    """Yield an empty stage; nothing of it is left afterwards."""
    async with AsyncExitStack() as stack:
        programs = await stack.enter_async_context(Programs(logs))
        stage = Stage(folder, programs, telling)
        await stage.build()
        stack.push_async_callback(stage.strike)
        yield stage
