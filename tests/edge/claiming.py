"""Whole gates on one LAN that claim before green.

async with contest(folder, "North", "South", "West") as site:
    verdicts = await site.at_once(7, "North", "South")    # one copy at each, in one instant
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.gate.verdict import Verdict
from edge.lan.claims import Claims
from edge.lan.home import home_of
from edge.practice.world import World
from shared import hashing
from shared.claims.owners import owners
from shared.log.record import Kind, Record, decode
from shared.token import parse
from tests.edge.gates import NOW, Site, empty_site, load_whole
from tests.edge.lans import Venue, until


class Contest(Venue):
    """A venue whose stations ask one another."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.claims: dict[str, Claims] = {}

    async def join(self, site: Site, name: str) -> None:
        """Start a gate's LAN, and have its station claim."""
        member = await self.open(site, name)
        gate = site.gate
        claims = Claims(member.lan, home_of(gate, member.pool), gate.ledger, gate.stores.log)
        claims.start()
        gate.station.claim, gate.station.over = claims.claim, claims.over
        self.claims[name] = claims

    async def close(self, name: str) -> Site:
        """End a gate's LAN, as the agent does."""
        if name in self.claims:
            await self.claims.pop(name).stop()
        return await super().close(name)

    async def ready(self, *names: str) -> None:
        """Wait until all of these can grant as owners."""
        await until(lambda: all(self.claims[name].ready() for name in names))

    async def all_ready(self) -> None:
        """Connect everybody, and wait until all can grant."""
        await self.connect(*self.members)
        await self.ready(*self.members)

    def ticket(self, number: int) -> bytes:
        """Return the id hash of one of the many tickets."""
        return hashing.id_hash(parse(self.world.bulk(number)).token.ticket)

    def owner(self, number: int, place: int = 0) -> str:
        """Return the name of a ticket's first owner, or of one further down."""
        site = next(iter(self)).site
        devices = site.gate.held().roster.devices
        wanted = owners(devices, 0, self.ticket(number))[place]
        return next(name for name, member in self.members.items() if member.device == wanted)

    def owned_by(self, name: str) -> list[int]:
        """Return the numbers of the tickets that a gate is first owner of."""
        return [n for n in range(200) if self.owner(n) == name]

    async def at_once(self, number: int, *names: str) -> list[Verdict]:
        """Show one ticket at several gates in one instant, from a thread of each."""
        text = self.world.bulk(number)
        scans = (asyncio.to_thread(self[name].site.scan, text) for name in names)
        return await asyncio.gather(*scans)

    def entries(self, number: int) -> list[Record]:
        """Return the INs of a ticket, of all gates' own logs."""
        wanted = self.ticket(number)
        records = (r for member in self for r in map(decode, member.site.raws()))
        return [r for r in records if r.kind == Kind.IN and r.ticket == wanted]


@asynccontextmanager
async def contest(folder: Path, *names: str, seed: bytes = b"practice") -> AsyncIterator[Contest]:
    """Open gates that list one another, with 200 tickets; nobody dials yet."""
    world = World.make(NOW, tickets=200, seed=seed)
    made = {name: empty_site(folder / name.lower(), world, name=name) for name in names}

    def load() -> None:
        for site in made.values():
            load_whole(site)
            site.open()

    await asyncio.to_thread(load)
    place = Contest(world)
    try:
        for name, site in made.items():
            await place.join(site, name)
        yield place
    finally:
        await place.end()
        for site in made.values():
            site.close()


def degraded(record: Record) -> bool:
    """Whether a record says that its right's first owner did not grant it."""
    return bool(record.bits >> 6 & 1)
