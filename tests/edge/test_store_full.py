"""A disk that is full, read-only or gone: machine trouble, never green, and nothing lost."""

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.errors import Refused
from edge.gate.acts import Act
from edge.store.database import StorageFailed
from edge.store.mirror import Mirror
from edge.store.stores import MIRROR
from shared.log.record import SIZE, Kind
from shared.outcomes import Signal
from tests.edge.crashing import Shown, all_shown
from tests.edge.gates import STAFFED, SUE, Site, chained

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, loaded: Site) -> dict[str, Any]:
    """Return what a gate did on a real file system of a few megabytes."""
    folder = tmp_path_factory.mktemp("small")
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no mount namespace")
    (folder / "mount").mkdir()
    source = folder / "settings.json"
    source.write_bytes(msgspec.json.encode(loaded.settings))
    command = [*UNSHARE, sys.executable, "-m", "tests.edge.small_disk"]
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [*command, str(folder / "mount"), str(source)],
        capture_output=True,
        check=False,
        cwd=root,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr.decode()
    made: dict[str, Any] = json.loads(run.stdout)
    return made


def test_a_full_disk_is_machine_trouble_and_never_green(told: dict[str, Any]) -> None:
    """At an entry, at an exit, and where a refusal could not be written."""
    assert told["full"] == [["storage_failed", "machine"]] * 3
    assert told["blocked"] == "storage_failed"


def test_a_full_disk_keeps_no_wipe_from_being_obeyed(told: dict[str, Any]) -> None:
    """It needs no room."""
    assert set(told["left"]) <= {"lock", "loading"}


def test_every_green_before_it_is_in_the_log_and_nothing_else(told: dict[str, Any]) -> None:
    """In a whole chain."""
    assert told["greens"] == told["records"] > 0
    assert told["chained"] > told["greens"]


def test_it_goes_on_when_there_is_room_again(told: dict[str, Any]) -> None:
    """Without a restart; the mirror has caught up."""
    assert told["again"] == ["admitted", "already_admitted", "exit"]
    assert told["unblocked"] == ""
    assert told["mirrored"] == told["chained"]


def test_a_start_on_a_full_or_read_only_disk_says_so(told: dict[str, Any]) -> None:
    """It opens, or gives the declared error; when the disk is mended it starts as ever."""
    assert told["starts_full"].startswith(("open: ", "StorageFailed: "))
    assert told["read_only"].startswith("StorageFailed: ")
    assert told["writable_again"].startswith("open: ")


def scanned_until_full(site: Site) -> int:
    """Scan until nothing more can be written; return how many were green."""
    with suppress(StorageFailed):
        for number in count():  # the file's own free pages
            site.gate.stores.documents.add_chunks({number.to_bytes(4, "big"): bytes(3000)})
    for turn in count():
        verdict = site.scan("standing", ("north", "out")[turn % 2])
        if verdict.code == "storage_failed":
            return turn
    raise AssertionError


def test_a_database_at_its_largest(site: Site) -> None:
    """By SQLite's own limit, in this process: failed, and well again when it may grow."""
    database = site.gate.stores.database
    with database.reading() as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA max_page_count = 1")  # as few as it has
    greens = scanned_until_full(site)
    assert site.scan("standing 2").signal is Signal.TROUBLE
    assert len(site.records(Kind.IN, Kind.OUT)) == greens
    with database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1073741823")
    assert site.code_of("standing 2") == "admitted"
    assert site.gate.board.status().blocked == ""
    chained(site)


def broken(site: Site) -> None:
    """Let every write fail."""
    with site.gate.stores.database.reading() as connection:
        connection.execute("PRAGMA query_only = ON")


def test_trouble_is_tried_again_and_never_stands(site: Site) -> None:
    """A camera that still sees the ticket gets it in when the disk is well again."""
    broken(site)
    assert site.scan("standing", source="camera:front").code == "storage_failed"
    with site.gate.stores.database.reading() as connection:
        connection.execute("PRAGMA query_only = OFF")
    codes = []
    for _ in range(4):
        site.time.go(0.6)
        codes.append(site.scan("standing", source="camera:front").code)
    assert codes[-1] == "admitted"
    assert len(site.records(Kind.IN)) == 1


def test_nobody_acts_on_a_disk_that_fails(site: Site) -> None:
    """Signing in, posting, practice, taking back: each is refused with the same code, and
    nothing has changed."""
    admitted = site.scan("standing")
    site.sign_in()
    broken(site)
    desk, staff, lanes = site.gate.desk, site.gate.staff, site.gate.lanes
    acts = (
        lambda: staff.sign_in_badge(STAFFED, site.badge(SUE)),
        lambda: staff.sign_in_pin(STAFFED, "2468"),
        lambda: lanes.choose("north", lanes.get("north").event, 2, exiting=False),
        lambda: lanes.practise("north", on=True),
        lambda: desk.undo("north", admitted.scan),
    )
    for act in acts:
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.code == "storage_failed"
    assert lanes.get("north").gate == 1
    assert not lanes.get("north").practice
    held = site.scan("child")
    assert held.code == "attention"
    verdict = desk.resolve("north", held.scan, Act(confirmed=True))
    assert verdict.code == "storage_failed"
    site.gate.staff.sign_out(STAFFED)
    assert lanes.get(STAFFED).session is None


def test_the_mirror_alone_stops_nothing_and_catches_up(site: Site) -> None:
    """Its device is full: green goes on; with room again all of it is there."""
    mirror = site.gate.stores.mirror
    file, mirror._file = mirror._file, os.open("/dev/full", os.O_WRONLY)
    assert site.code_of("standing") == "admitted"
    assert site.code_of("family") == "admitted"
    assert mirror.failed
    os.close(mirror._file)
    mirror._file = file
    assert site.code_of("seated") == "admitted"
    assert not mirror.failed
    kept = (site.folder / MIRROR).read_bytes()
    assert kept == b"".join(site.raws())
    assert len(kept) == SIZE * chained(site)


def test_a_record_that_fits_the_mirror_only_in_part_is_taken_out_again(swift: Path) -> None:
    """So that those behind it lie where they are looked for."""
    raws = [bytes([number]) * SIZE for number in range(4)]

    def work(show: Callable[[Shown], None]) -> None:
        mirror = Mirror(swift / MIRROR)
        resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE * 2 + 100, resource.RLIM_INFINITY))
        mirror.append(raws[:3])
        show(Shown("", "", mirror.failed, len(mirror.read())))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        mirror.append(raws[3:])
        show(Shown("", "", mirror.failed, len(mirror.read())))

    first, second = all_shown(work)
    assert (first.green, first.people) == (True, 2)
    assert (second.green, second.people) == (False, 4)
    assert (swift / MIRROR).read_bytes() == b"".join(raws)


def test_a_mirror_that_can_not_be_opened_stops_nothing(shut: Site) -> None:
    """A folder stands in its place."""
    (shut.folder / MIRROR).unlink()
    (shut.folder / MIRROR).mkdir()
    shut.open()
    assert shut.gate.stores.mirror.failed
    assert shut.code_of("standing") == "admitted"


def test_a_database_that_is_no_file_is_a_declared_error(shut: Site) -> None:
    """A folder stands in its place."""
    (shut.folder / "gate.db").rename(shut.folder / "old")
    (shut.folder / "gate.db").mkdir()
    with pytest.raises(StorageFailed):
        shut.open()


def test_counters_that_can_not_be_written_are_kept(site: Site) -> None:
    """Until they can be."""
    site.scan("no ticket")
    broken(site)
    with pytest.raises(StorageFailed):
        site.gate.keep_counts()
    with site.gate.stores.database.reading() as connection:
        connection.execute("PRAGMA query_only = OFF")
    site.scan("no ticket")
    site.gate.keep_counts()
    site.gate.keep_counts()
    assert site.gate.stores.log.counted() == {"not_a_ticket": 2}


def test_another_writer_that_never_ends_is_trouble_and_not_a_hang(shut: Site) -> None:
    """Two seconds, then the guest is told; afterwards all is well."""
    shut.open()
    other = sqlite3.connect(shut.folder / "gate.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert shut.code_of("standing") == "storage_failed"
    other.execute("ROLLBACK")
    other.close()
    assert shut.code_of("standing") == "admitted"
