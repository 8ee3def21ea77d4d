"""Who is at the venue, made once a process: six gates, the cloud, one thief, and the tickets.

Every seed plays with copies of the same folders: to set a gate up and to load it takes longer
than the whole of an evening does.
"""

import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from edge.practice.world import World
from edge.store.identity import Identity, identity_of, make_identity
from edge.store.stores import KEY
from shared.bundle import Part, Section
from shared.manifest import frames
from shared.manifest.ticket import Status
from tests.edge.gates import NOW, Site, empty_site, load_whole

GATES: Final = tuple(f"Gate {letter}" for letter in "ABCDEF")
CLOUD: Final = "Cloud"
THIEF: Final = "Thief"
TICKETS: Final = 40  # without the particular ones; every other one lets its holder out and in


REVOKED: Final = ("#0", "#1", "#2", "#3")  # by the second list, if an evening has one
PASSED_ON: Final = ("#4", "#5", "#6", "#7")


class Cast(NamedTuple):
    """The world and one folder a device, as it was before the doors opened."""

    world: World
    sites: dict[str, Site]
    thief: Identity
    recall: tuple[Section, ...]  # the second list: some tickets revoked, some passed on
    folder: Path


@cache
def cast() -> Cast:
    """Return the cast of this process."""
    folder = Path(tempfile.mkdtemp(prefix="venue-", dir=memory()))
    world = World.make(NOW, tickets=TICKETS)
    thief = identity_of(world.organizer.make(b"thief"))
    world.organizer.enrol(THIEF, thief.pk)
    names = (*GATES, CLOUD)
    sites = {name: _site(folder / name.replace(" ", "-"), world, name) for name in names}
    for site in sites.values():
        load_whole(site, names=False)
    return Cast(world, sites, thief, _recall(world), folder)


def _recall(world: World) -> tuple[Section, ...]:
    """Return a newer list of tickets, and leave the world as it was."""
    organizer, before = world.organizer, dict(world.organizer.sold)
    for label in REVOKED:
        organizer.sell(label, before[label]._replace(status=Status.REVOKED))
    for label in PASSED_ON:
        organizer.sell(label, before[label]._replace(gen=1))
    table = organizer.table(names=False)
    organizer.sold = before
    chunks = b"".join(frames.encode(i, each) for i, each in enumerate(table.chunks) if each)
    head = Section(Part.HEAD, organizer.head(table, 2))
    return head, Section(Part.CHUNKS, chunks)


def _site(folder: Path, world: World, name: str) -> Site:
    """Return a gate that was set up, and whose key follows from its name: a seed tells the same
    story in every process."""
    site = empty_site(folder, world, name=name)
    (key := site.folder / KEY).unlink()
    me = make_identity(key, lambda size: world.organizer.make(name.encode())[:size])
    world.organizer.devices.pop()
    world.organizer.enrol(name, me.pk)
    return replace(site, me=me)


def memory() -> str | None:
    """Return a folder in memory, if this machine has one: what is on a real disk, and how it
    survives a power cut, is proved elsewhere (tests/edge/test_crash_*)."""
    shm = Path("/dev/shm")  # noqa: S108
    return str(shm) if shm.is_dir() else None


def forget() -> None:
    """Remove the folders."""
    if cast.cache_info().currsize:
        shutil.rmtree(cast().folder, ignore_errors=True)
        cast.cache_clear()
