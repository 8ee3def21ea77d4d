"""Several whole gates of one site in one process, connected by real TLS over real sockets.

async with venue(folder, "North", "South") as site:
    await site.connect("North", "South")
    await site.scan("North", "standing")
    await site.alike()                       # all hold the same records, and make the same of them
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from edge.gate.verdict import Verdict
from edge.lan.home import home_of, unheard
from edge.lan.lan import Lan
from edge.practice.world import World
from edge.settings import LanSettings
from edge.store.identity import Identity, identity_of
from shared.bundle import Part, Section
from shared.devices.roster import Cutoff, Device
from tests.edge.cables import Cable
from tests.edge.gates import NOW, Site, empty_site, load_whole, meaning

PATIENCE = 15.0  # seconds, on a busy machine


@dataclass
class Member:
    """One gate, and its part of the LAN."""

    site: Site
    lan: Lan
    pool: ThreadPoolExecutor

    @property
    def device(self) -> bytes:
        return self.site.me.device

    def vector(self) -> dict[Any, Any]:
        return self.site.gate.ledger.vector()

    def peers(self) -> set[bytes]:
        return {peer.device for peer in self.lan.peers.all()}


class Venue:
    """Gates by name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.members: dict[str, Member] = {}
        self._cables: list[Cable] = []

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members.values())

    async def open(
        self, site: Site, name: str, receipt: Callable[[bytes], object] = unheard
    ) -> Member:
        """Start a gate's LAN on a free port."""
        pool = ThreadPoolExecutor(4, f"lan-{name}")
        wanted = LanSettings(enabled=True, host="127.0.0.1", port=0, discovery=False)
        lan = Lan(home_of(site.gate, pool, receipt), wanted)
        site.gate.ledger.listen(lan.written)
        lan.start()
        await lan.listening()
        self.members[name] = Member(site, lan, pool)
        return self.members[name]

    async def close(self, name: str) -> Site:
        """End a gate's LAN, as the agent does."""
        member = self.members.pop(name)
        await member.lan.stop()
        member.pool.shutdown()
        return member.site

    async def cable(self, called: str) -> Cable:
        """Lay a cable to a gate; whoever dials its port is connected by it."""
        cable = await Cable.to(self[called].lan.port)
        self._cables.append(cable)
        return cable

    async def end(self) -> None:
        """End every gate's LAN, and take the cables away."""
        for name in [*self.members]:
            await self.close(name)
        for cable in self._cables:
            await cable.close()

    def aim(self, caller: str, called: str) -> None:
        """Have one gate dial another."""
        self[caller].lan.aim("127.0.0.1", self[called].lan.port)

    async def connect(self, *names: str) -> None:
        """Have every one of these dial every other, and wait until they are connected."""
        for caller in names:
            for called in names:
                if caller != called:
                    self.aim(caller, called)
        await self.connected(*names)

    async def connected(self, *names: str) -> None:
        """Wait until these are connected with one another."""
        devices = {self[name].device for name in names}
        for name in names:
            member = self[name]
            await until(lambda: devices - {member.device} <= member.peers())  # noqa: B023

    async def scan(self, name: str, ticket: str, lane: str = "north") -> Verdict:
        """Scan at one gate, as a camera's thread does."""
        return await asyncio.to_thread(self[name].site.scan, ticket, lane)

    async def alike(self, *names: str) -> bytes:
        """Wait until all hold the same records; return what they make of them, which must be
        the same byte for byte."""
        members = [self[name] for name in names] or [*self]
        await until(lambda: all(m.vector() == members[0].vector() for m in members))
        meanings = {meaning(member.site) for member in members}
        assert len(meanings) == 1
        return meanings.pop()


def somebody(name: str) -> Identity:
    """Return a key pair of a name's own."""
    return identity_of(sha256(name.encode()).digest())


def device(who: Identity, **changes: Any) -> Device:
    """Return somebody's entry on a roster."""
    return replace(Device(who.pk.hex(), "somebody", "handheld", None), **changes)


def relist(world: World, pk: bytes, **changes: Any) -> None:
    """Change a device's entry on the next rosters."""
    listed = world.organizer.devices
    listed[:] = [replace(each, **changes) if each.pk == pk.hex() else each for each in listed]


def revoke(world: World, pk: bytes) -> None:
    """Cut a device off on the next rosters, as of its first record."""
    relist(world, pk, cutoff=Cutoff(1, 1))


async def bring(member: Member, version: int) -> None:
    """Carry the organizer's roster to one gate by hand."""
    section = Section(Part.ROSTER, member.site.world.organizer.roster(version))
    await asyncio.to_thread(member.site.feed, section)


async def until(true: Callable[[], object], patience: float = PATIENCE) -> float:
    """Wait until something is so; return the seconds that it took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < patience, "it did not come to that"
        await asyncio.sleep(0.005)
    return time.monotonic() - start


def sites(
    folder: Path, *names: str, listed: Sequence[Device] = (), seed: bytes = b"practice"
) -> tuple[World, dict[str, Site]]:
    """Return gates of one venue that list one another, loaded and open; `listed`: who else is on
    the roster."""
    world = World.make(NOW, tickets=0, seed=seed)
    world.organizer.devices += listed
    made = {name: empty_site(folder / name.lower(), world, name=name) for name in names}
    for site in made.values():
        load_whole(site)
        site.open()
    return world, made


@asynccontextmanager
async def venue(
    folder: Path, *names: str, listed: Sequence[Device] = (), seed: bytes = b"practice"
) -> AsyncIterator[Venue]:
    """Open gates of one venue with their LANs; nobody dials yet."""
    world, made = await asyncio.to_thread(partial(sites, folder, *names, listed=listed, seed=seed))
    place = Venue(world)
    try:
        for name, site in made.items():
            await place.open(site, name)
        yield place
    finally:
        await place.end()
        for site in made.values():
            site.close()
