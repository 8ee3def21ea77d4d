"""Killed while a file is taken in: what was in force stays, or what is new is whole."""

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.practice.world import EVENT, World
from edge.store import identity
from edge.store.identity import load_identity
from edge.store.stores import KEY
from shared.bundle import Part, Section
from shared.manifest.ticket import Status
from tests.edge.crashing import Shown, child, die, dying_in_writes
from tests.edge.gates import NOW, Site, Time, feeding, make_site, preload
from tests.edge.papers import manifest, roster


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, bytes]:
    """Return a gate with one version, and the file with the next: one ticket is withdrawn."""
    world = World.make(NOW, tickets=20)
    site = make_site(tmp_path_factory.mktemp("held"), world)
    organizer = world.organizer
    sold = organizer.sold["standing"]
    organizer.sell("standing", sold._replace(status=Status.REVOKED))
    parts = Section(Part.ROSTER, roster(organizer, 2)), *manifest(organizer, 2)
    return site, preload(*parts)


def copied(site: Site, folder: Path) -> Site:
    """Return a gate of this test's own."""
    shutil.copytree(site.folder, folder / "data")
    return Site(site.world, replace(site.settings, data=str(folder / "data")), site.me, Time())


def judged(site: Site) -> int:
    """Start a gate whose loading was cut off; return which version is whole there."""
    site.open()
    try:
        trust = site.gate.held.trust
        assert trust.faults == ()
        version = trust.books[EVENT].manifest.head.version
        assert trust.roster.version == version, "all of the file, or nothing"
        assert site.code_of("standing") == {1: "admitted", 2: "revoked"}[version]
        assert site.scan("seated").name == "Seated"
        return version
    finally:
        site.close()


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_transaction(held: tuple[Site, bytes], swift: Path, *, after: bool) -> None:
    """Before and after each commit; from one of them on the new version is in force."""
    versions = []
    for times in range(1, 60):
        site = copied(held[0], swift / str(times))
        finished = _load_until(site, held[1], times, after=after)
        versions.append(judged(site))
        if finished:
            break
        with feeding(site) as gate:
            gate.load(held[1])  # once more, and whole
        assert judged(site) == 2
    assert versions == sorted(versions)
    assert {versions[0], versions[-1]} == {1, 2}
    assert len(versions) > 3


def _load_until(site: Site, data: bytes, times: int, *, after: bool) -> bool:
    """Load in a process that ends in its so-manieth transaction; return whether it got by."""

    def work(show: Callable[[Shown], None]) -> None:
        with feeding(site) as gate:
            dying_in_writes(times, after=after)
            gate.load(data)
            show(Shown("", "", green=True, people=0))
        die()

    with child(work) as (reader, _):
        try:
            reader.recv()
        except EOFError:
            return False
        return True


def test_killed_at_any_moment(held: tuple[Site, bytes], swift: Path) -> None:
    """Wherever the process is."""
    chance = random.Random(5)
    for round_ in range(8):
        site = copied(held[0], swift / str(round_))

        def work(show: Callable[[Shown], None], site: Site = site) -> None:
            with feeding(site) as gate:
                show(Shown("", "", green=True, people=0))
                gate.load(held[1])

        with child(work) as (reader, kill):
            reader.recv()
            time.sleep(chance.random() * 0.1)  # no assertion rests on where this ends
            kill()
        assert judged(site) in (1, 2)


def test_a_scan_is_decided_while_a_file_is_taken_in(held: tuple[Site, bytes], swift: Path) -> None:
    """By what was in force, until the gate is told to read again."""
    site = copied(held[0], swift)
    site.open()
    seen: list[str] = []
    with feeding(site) as gate:
        gate.load(held[1], lambda: seen.append(site.scan("#1").code))
    assert seen[0] == "admitted"
    assert set(seen[1:]) == {"already_admitted"}
    assert site.code_of("standing 2") == "admitted"
    site.gate.reload()
    assert site.code_of("standing") == "revoked"
    site.close()


def test_the_device_key_is_made_whole_or_not_at_all(
    swift: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut while it is written leaves no key, and the next set-up makes one."""

    class Cut(Exception):
        pass

    def cut(_: int) -> None:
        raise Cut

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(Cut):
        identity.make_identity(swift / KEY)
    monkeypatch.undo()
    assert load_identity(swift / KEY) is None
    me = identity.make_identity(swift / KEY)
    assert load_identity(swift / KEY) == me
    with pytest.raises(FileExistsError):
        identity.make_identity(swift / KEY)
    assert load_identity(swift / KEY) == me
    assert [path.name for path in swift.iterdir()] == [KEY]
