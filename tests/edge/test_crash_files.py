"""A disk that lost or spoilt files: what the mirror brings back and what can be read, stays."""

import random
import sqlite3
from pathlib import Path
from typing import Final

import pytest

from edge.gate.gate import NotSetUp
from edge.gate.setup import set_up
from edge.store.database import PAGE
from edge.store.identity import AlreadyRunning
from edge.store.log import unobserved
from edge.store.stores import DATABASE, MIRROR
from shared.log.chain import Head
from shared.log.record import SIZE, Kind, record_hash
from tests.edge.crashing import Shown, all_shown, greens, lose, scanning, written
from tests.edge.gates import Site, chained, load_whole

SCANS: Final = (
    ("standing", "north", 1),
    ("family", "south", 3),
    ("standing", "out", 1),
    ("seated", "north", 1),
    ("#1", "south", 1),
    ("#2", "north", 1),
)
TICKETS: Final = ("standing", "family", "seated", "#1", "#2")
WAL, SHM = f"{DATABASE}-wal", f"{DATABASE}-shm"


def killed(site: Site) -> list[Shown]:
    """Run a gate in a process that is killed after all scans; return what it had shown."""
    shown = all_shown(scanning(site, SCANS, unobserved))
    assert len(shown) == len(SCANS)
    return shown


def lost(site: Site, shown: list[Shown]) -> int:
    """Return how many greens that were shown are not in the log; its chain must be whole."""
    site.open()
    chained(site)
    return sum((greens(shown) - written(site, TICKETS)).values())


def test_nothing_is_lost_with_the_files_as_they_were(shut: Site) -> None:
    """The plain case: killed, and started again."""
    assert lost(shut, killed(shut)) == 0
    assert shut.gate.healed == ()


def test_a_deleted_wal_comes_back_from_the_mirror(shut: Site) -> None:
    """And the gate says so."""
    shown = killed(shut)
    lose(shut.folder, WAL, SHM)
    assert lost(shut, shown) == 0
    assert shut.gate.healed == ("8 records came back from the mirror",)
    assert shut.code_of("seated") == "already_admitted"


def test_a_wal_cut_off_anywhere_comes_back_from_the_mirror(shut: Site) -> None:
    """At any byte."""
    shown, kept = killed(shut), saved(shut)
    for cut in cuts((shut.folder / WAL).stat().st_size, 12):
        restored(shut, kept)
        with (shut.folder / WAL).open("r+b") as file:
            file.truncate(cut)
        lose(shut.folder, SHM)
        assert lost(shut, shown) == 0, cut
        shut.close()


def test_bytes_that_flipped_in_the_wal_cost_nothing(shut: Site) -> None:
    """Its checksums drop the rest, and the mirror has it."""
    shown, kept = killed(shut), saved(shut)
    for at in cuts(120_000, 12):
        restored(shut, kept)
        flip(shut.folder / WAL, at)
        lose(shut.folder, SHM)
        assert lost(shut, shown) == 0, at
        shut.close()


def test_a_lost_or_spoilt_shm_file_costs_nothing(shut: Site) -> None:
    """It is made anew from the WAL."""
    shown = killed(shut)
    (shut.folder / SHM).write_bytes(b"\xff" * 32_768)
    assert lost(shut, shown) == 0
    shut.crash()
    lose(shut.folder, SHM)
    assert lost(shut, shown) == 0


def test_a_lost_mirror_costs_nothing(shut: Site) -> None:
    """The database has the records."""
    shown = killed(shut)
    lose(shut.folder, MIRROR)
    assert lost(shut, shown) == 0
    assert shut.gate.healed == ()
    assert len((shut.folder / MIRROR).read_bytes()) == SIZE * chained(shut)


@pytest.mark.parametrize("tail", [1, 100, 255])
def test_a_torn_mirror_costs_nothing_and_goes_on_whole(shut: Site, tail: int) -> None:
    """Also where the WAL is gone: what stands before the tear comes back."""
    killed(shut)
    with (shut.folder / MIRROR).open("ab") as file:
        file.write(b"\xee" * tail)
    lose(shut.folder, WAL, SHM)
    shut.open()
    assert shut.gate.healed == ("8 records came back from the mirror",)
    shut.scan("standing 2")
    assert len((shut.folder / MIRROR).read_bytes()) == SIZE * chained(shut)


def test_what_is_no_record_of_ours_in_the_mirror_counts_for_nothing(shut: Site) -> None:
    """Zeros, rubbish, and a record that somebody else signed."""
    shown = killed(shut)
    mirror = shut.folder / MIRROR
    whole = mirror.read_bytes()
    forged = whole[-SIZE:-64] + bytes(64)
    mirror.write_bytes(bytes(SIZE) + b"\x55" * SIZE + forged + whole)
    lose(shut.folder, WAL, SHM)
    assert lost(shut, shown) == 0
    assert forged not in shut.raws()


@pytest.mark.parametrize("size", [16, 100, PAGE])
def test_a_destroyed_header_is_healed_and_told(shut: Site, size: int) -> None:
    """With the WAL gone too: the file's own pages and the mirror bring everything back."""
    shown = killed(shut)
    before = chained_in(shut)
    spoil(shut.folder / DATABASE, 0, size)
    lose(shut.folder, WAL, SHM)
    assert lost(shut, shown) == 0
    assert shut.gate.healed[0] == "file is not a database"
    assert chained(shut) == before + 1, "and the BOOT of this start"
    assert shut.code_of("seated") == "already_admitted"
    assert (shut.folder / f"{DATABASE}.damaged-1").exists()
    shut.reopen()
    assert shut.gate.healed == ()


def test_a_damaged_page_costs_what_is_on_it_and_the_mirror_mends_the_log(shut: Site) -> None:
    """Whichever page it is: the gate starts or says what it lacks, and its own log is whole."""
    shown = killed(shut)
    shut.open()
    shut.close()
    pages = (shut.folder / DATABASE).stat().st_size // PAGE
    kept, chance = saved(shut), random.Random(3)
    for page in chance.sample(range(1, min(pages, 60)), 10):
        restored(shut, kept)
        spoil(shut.folder / DATABASE, page * PAGE, PAGE)
        try:
            assert lost(shut, shown) == 0, page
        except NotSetUp:
            continue  # the page with the organizer's name: set up again
        shut.close()


def test_a_record_that_rotted_in_its_place_comes_back(shut: Site) -> None:
    """A flipped bit that no page shows; the record's own hash does."""
    shown = killed(shut)
    shut.open()
    shut.close()
    file = shut.folder / DATABASE
    connection = sqlite3.connect(file)
    query = "SELECT raw FROM record WHERE seq = 3"
    (raw,) = connection.execute(query).fetchone()
    connection.close()
    data = file.read_bytes()
    at = data.index(raw) + 97
    file.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
    assert lost(shut, shown) == 0
    assert shut.gate.healed == ("1 records came back from the mirror",)
    assert raw in shut.raws()


def test_a_file_that_is_lost_altogether_leaves_the_log_in_the_mirror(shut: Site) -> None:
    """The device no longer knows its organizer; set up and loaded again, it goes on from there."""
    shown = killed(shut)
    lose(shut.folder, DATABASE, WAL, SHM)
    with pytest.raises(NotSetUp):
        shut.open()
    organizer = shut.world.organizer
    assert set_up(shut.folder, organizer.tenant, organizer.root) == shut.me
    load_whole(shut)
    assert lost(shut, shown) == 0
    assert shut.records(Kind.BOOT)[-1].incarnation == 2


def test_a_device_that_lost_its_whole_log_gets_a_new_key(shut: Site) -> None:
    """With the old one it would write a second history, and look like a forger."""
    killed(shut)
    lose(shut.folder, DATABASE, WAL, SHM, MIRROR)
    organizer = shut.world.organizer
    assert set_up(shut.folder, organizer.tenant, organizer.root).device != shut.me.device


def test_healing_that_is_cut_off_is_done_again(shut: Site) -> None:
    """A half-made new file is thrown away; a whole one, not in its place yet, is used."""
    shown = killed(shut)
    spoil(shut.folder / DATABASE, 0, 100)
    lose(shut.folder, WAL, SHM)
    (shut.folder / f"{DATABASE}.healing").write_bytes(b"half of it")
    assert lost(shut, shown) == 0
    shut.close()
    (shut.folder / DATABASE).rename(shut.folder / f"{DATABASE}.healing")
    lose(shut.folder, MIRROR)
    assert lost(shut, shown) == 0


def test_two_processes_on_one_folder(site: Site) -> None:
    """The second is refused, and the first goes on."""
    with pytest.raises(AlreadyRunning):
        Site(site.world, site.settings, site.me, site.time).open()
    assert site.code_of("standing") == "admitted"


def test_a_gate_that_lost_what_the_cloud_has_confirmed_writes_no_place_twice(shut: Site) -> None:
    """The mirror begins behind the receipt; the log goes on from the mirror's end."""
    shown = killed(shut)
    assert lost(shut, shown) == 0
    confirmed = shut.raws()
    first, boot = confirmed[-2:]
    marks = [Head(shut.me.device, 1, len(confirmed) - 1, record_hash(first))]
    marks += [Head(shut.me.device, 2, 1, record_hash(boot))]
    assert shut.gate.stores.log.confirm(marks) == ()
    shut.reopen()
    shut.scan("standing 2")
    last = shut.raws()[-1]
    shut.crash()
    emptied(shut)
    shut.open()
    assert last in shut.raws()
    newest = shut.records(Kind.BOOT)[-1]
    assert newest.incarnation == int.from_bytes(last[20:24], "big") + 1


def emptied(site: Site) -> None:
    """Delete every record of a closed gate's file."""
    connection = sqlite3.connect(site.folder / DATABASE)
    connection.execute("DELETE FROM record")
    connection.commit()
    connection.close()


def chained_in(site: Site) -> int:
    """Return how many own records a closed gate has, without a start that writes one."""
    copy = site.folder / MIRROR
    return copy.stat().st_size // SIZE


def saved(site: Site) -> dict[str, bytes]:
    """Return what is in the folder of a closed gate."""
    return {path.name: path.read_bytes() for path in site.folder.iterdir()}


def restored(site: Site, kept: dict[str, bytes]) -> None:
    """Put the folder back as it was saved."""
    for path in site.folder.iterdir():
        path.unlink()
    for name, content in kept.items():
        (site.folder / name).write_bytes(content)


def cuts(size: int, count: int) -> list[int]:
    """Return places in a file, each time the same, the first frames more often."""
    chance = random.Random(size)
    return [chance.randrange(min(size, 120_000)) for _ in range(count)]


def flip(file: Path, at: int) -> None:
    """Turn over a few bytes."""
    with file.open("r+b") as opened:
        opened.seek(at)
        before = opened.read(7)
        opened.seek(at)
        opened.write(bytes(each ^ 0xA5 for each in before))


def spoil(file: Path, at: int, size: int) -> None:
    """Write over a part of a file."""
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(b"\xde" * size)
