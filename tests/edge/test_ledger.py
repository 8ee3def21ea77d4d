"""This device's own log and what all logs mean together, read again at every start."""

from shared.bundle import FileKind, Part
from shared.bundle import decode as opened
from shared.log.record import Kind, decode
from shared.outcomes import Signal
from tests.edge.gates import NOW, Site, chained, heard, meaning, whole


def evening(site: Site, lane: str = "north") -> None:
    """Scan a little of everything."""
    for label in ("standing", "seated", "family", "revoked", "daily", "standing"):
        site.scan(label, lane)
    site.scan("standing", "out")
    site.scan("family", lane, people=2)


def test_a_restart_means_the_same(site: Site) -> None:
    """The view of the whole log, folded anew, is the one that was held."""
    evening(site)
    before = meaning(site)
    counts = site.gate.board.counts("north")
    for _ in range(3):
        site.reopen()
        assert meaning(site) == before
        assert site.gate.board.counts("north") == counts


def test_a_reload_means_the_same(site: Site) -> None:
    """Reading the disk again counts nothing twice."""
    evening(site)
    before = meaning(site)
    site.gate.reload()
    assert meaning(site) == before
    assert site.gate.board.counts("north").refused == 2


def test_two_gates_that_hear_each_other_mean_the_same(pair: tuple[Site, Site]) -> None:
    """By files carried both ways, whichever way first."""
    north, south = pair
    evening(north)
    evening(south, "south")
    heard(north, south)
    heard(south, north)
    heard(north, south)
    assert meaning(north) == meaning(south)
    counts = [site.gate.board.counts("north").inside for site in pair]
    assert counts[0] == counts[1]


def test_a_start_is_a_new_incarnation_behind_the_last_record(site: Site) -> None:
    """Each begins with a BOOT at seq 1 that names what was before."""
    for _ in range(3):
        site.scan("standing")
        site.reopen()
    boots = site.records(Kind.BOOT)
    assert [(boot.incarnation, boot.seq) for boot in boots] == [(n, 1) for n in range(1, 5)]
    assert chained(site) == 7


def test_a_start_stamps_above_all_that_was_written(site: Site) -> None:
    """Also with a wall clock that went back by a year."""
    evening(site)
    site.close()
    site.time.set_wall(NOW - 365 * 86_400)
    site.open()
    site.scan("seated", "out")
    stamps = [record.hlc for record in site.records()]
    assert stamps == sorted(set(stamps))


def test_a_peers_clock_far_ahead_carries_ours_a_minute_at_most(pair: tuple[Site, Site]) -> None:
    """Its records are kept as written."""
    north, south = pair
    south.close()
    south.time.set_wall(NOW + 20 * 3600)
    south.open()
    south.scan("standing", "south")
    heard(south, north)
    north.scan("seated")
    last = north.records()[-1]
    assert (last.hlc >> 16) - NOW * 1000 <= 61_000
    kept = [raw for raw in north.gate.stores.log.records() if raw[4:20] == south.me.device]
    assert kept == south.raws()
    verdict = north.scan("standing")
    assert verdict.signal is Signal.REFUSE


def test_a_device_that_ran_twice_from_one_disk_is_seen(pair: tuple[Site, Site]) -> None:
    """Both histories are kept; each admission counts."""
    north, south = pair
    south.close()
    kept = {path.name: path.read_bytes() for path in south.folder.iterdir()}
    exports = []
    for label in ("standing", "seated"):
        for name, content in kept.items():
            (south.folder / name).write_bytes(content)
        south.open()
        south.scan(label, "south")
        exports.append(south.export())
        south.close()
        for path in south.folder.iterdir():
            path.unlink()
    assert north.load(exports[0]) == ["South: 1 new records", "South: 2 new records"]
    assert north.load(exports[1])[-1].endswith("new records, then stopped: fork")
    assert north.code_of("standing") == "already_admitted"
    places = [raw[20:32] for raw in north.gate.stores.log.records() if raw[4:20] == south.me.device]
    assert len(places) > len(set(places))


def test_every_record_says_by_what_it_was_decided(site: Site) -> None:
    """Versions of manifest and roster, gate, zone, class, event."""
    site.scan("seated")
    (record,) = site.records(Kind.IN)
    assert (record.manifest, record.roster, record.gate, record.zone) == (1, 1, 1, 1)
    assert record.ticket_class == 2
    assert record.evidence != bytes(32)


def test_what_is_exported_is_the_whole_log(site: Site) -> None:
    """Of all incarnations, readable by whoever has the device's key."""
    evening(site)
    site.reopen()
    evening(site)
    kind, sections = opened(site.export())
    assert kind is FileKind.LOG
    batches = [section.content for section in sections if section.part is Part.RECORDS]
    joined = b"".join(batches)
    raws = [joined[at : at + 256] for at in range(0, len(joined), 256)]
    assert raws == site.raws()
    assert whole(raws, site.me.pk) == len(raws)
    assert all(decode(raw) for raw in raws)
