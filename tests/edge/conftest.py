"""Gates for tests: made once, copied for each, closed behind each."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import pytest

from edge.practice.world import World
from edge.store.stores import DATABASE
from tests.edge.gates import NOW, Site, Time, make_site, two_sites

MakeSite = Callable[..., Site]
MEMORY: Final = Path("/dev/shm")  # noqa: S108  a disk that syncs at once, where there is one


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Path]:
    """Return a folder of this test's own, in memory if possible: these are not tests of disks."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY, prefix="usher-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def evening() -> World:
    """Return the usual evening. Tests that change its organizer make one of their own."""
    return World.make(NOW, tickets=60)


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, evening: World) -> Site:
    """Return a loaded gate that nobody opens."""
    site = make_site(tmp_path_factory.mktemp("loaded"), evening)
    with closing(sqlite3.connect(site.folder / DATABASE)) as connection:
        connection.execute("VACUUM")  # it is copied hundreds of times
    return site


@pytest.fixture
def shut(swift: Path, loaded: Site) -> Iterator[Site]:
    """Return a loaded gate of this test's own, not opened yet."""
    folder = swift / "gate"
    shutil.copytree(loaded.folder, folder / "data")
    places = {"data": str(folder / "data"), "run": str(folder / "run")}
    settings = msgspec.structs.replace(loaded.settings, **places)
    site = Site(loaded.world, settings, loaded.me, Time())
    yield site
    site.close()


@pytest.fixture
def site(shut: Site) -> Site:
    """Return a loaded gate of this test's own, open."""
    shut.open()
    return shut


@pytest.fixture
def make(swift: Path) -> Iterator[MakeSite]:
    """Return how to make an open gate of any evening; all are closed in the end."""
    sites: list[Site] = []

    def made(world: World, **more: Any) -> Site:
        site = make_site(swift / f"gate-{len(sites)}", world, **more)
        sites.append(site)
        site.open()
        return site

    yield made
    for site in sites:
        site.close()


@pytest.fixture
def pair(swift: Path) -> Iterator[tuple[Site, Site]]:
    """Return two open gates of one venue."""
    both = two_sites(swift, World.make(NOW, tickets=8))
    yield both
    for site in both:
        site.close()
