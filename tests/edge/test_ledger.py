"""This device's own log and what all logs mean together, read again at every start."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.practice.world import EVENT, World
from shared.bundle import FileKind, Part
from shared.bundle import decode as opened
from shared.devices.proof import proves
from shared.log.record import Kind, decode
from shared.manifest.ticket import Status
from shared.merge.incidents import Incident
from shared.merge.ticket import Word
from shared.merge.view import Summary, View
from shared.outcomes import Signal
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, Site, chained, heard, id_hash, meaning, whole


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


def told_of(site: Site) -> list[tuple[str, bool, bool]]:
    """Return a list that grows by (kind, own, durable and readable by others) of each write."""
    told: list[tuple[str, bool, bool]] = []

    def listen(raws: Sequence[bytes], own: bool) -> None:
        with ThreadPoolExecutor(1) as other:  # a lock held by this thread would stop it
            seen = other.submit(lambda: {*site.gate.stores.log.records()}).result(5)
            counted = other.submit(site.gate.ledger.unknown, raws).result(5) == []
        told.extend((Kind(raw[1]).name, own, raw in seen and counted) for raw in raws)

    site.gate.ledger.listen(listen)
    return told


def test_writes_are_told_of_once_they_are_on_the_disk(pair: tuple[Site, Site]) -> None:
    """Our own and others', by the thread that wrote, with no lock held."""
    north, south = pair
    told = told_of(north)
    south.scan("standing", "south")
    north.scan("seated")
    north.scan("family", people=2)
    assert told == [("IN", True, True)] * 3
    told.clear()
    north.gate.replica.take(south.gate.replica.lacking({})[0])
    assert told == [("BOOT", False, True), ("IN", False, True)]
    told.clear()
    north.gate.replica.take(south.gate.replica.lacking({})[0])
    assert told == [], "nothing of it was new"


def test_practice_is_told_to_nobody(site: Site) -> None:
    """It is written nowhere."""
    told = told_of(site)
    site.gate.lanes.practise("north", on=True)
    marks = len(told)
    site.scan("standing")
    assert len(told) == marks


def test_a_listener_that_fails_undoes_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """What is written is written; others are told all the same."""

    def fails(_raws: Sequence[bytes], _own: bool) -> None:
        raise ZeroDivisionError

    site.gate.ledger.listen(fails)
    told = told_of(site)
    assert site.code_of("standing") == "admitted"
    assert told == [("IN", True, True)]
    assert "a listener failed" in caplog.text


def of_records(site: Site, words: Mapping[bytes, Word]) -> Summary:
    """Return what somebody else makes of a gate's records, who has been told these words."""
    view, trust = View(), site.gate.held.trust
    view.learn_roster(trust.roster.version, trust.roster.devices)
    for raw in site.gate.stores.log.records():
        view.add(raw)
        blob = site.gate.stores.log.blobs([raw[156:188]]).get(raw[156:188])
        if blob is not None and proves(decode(raw), blob, trust.keys, trust.roster):
            view.prove(raw)
    for ticket, word in words.items():
        view.learn_ticket(EVENT, ticket, word)
    return view.summary()


def revoke(site: Site, *labels: str, version: int, gen: int = 0) -> None:
    """Load a manifest in which these tickets are revoked, or of a later generation."""
    organizer = site.world.organizer
    for label in labels:
        changed = {"gen": gen} if gen else {"status": Status.REVOKED}
        organizer.sell(label, organizer.sold[label]._replace(**changed))
    site.load(organizer.preload(version))


def test_a_withdrawal_counts_for_what_was_admitted_before(make: MakeSite) -> None:
    """As soon as the manifest says it, and after a restart: the view is the cloud's."""
    site = make(World.make(NOW, tickets=4))
    site.scan("standing")
    site.scan("seated")
    site.scan("family")
    assert site.gate.ledger.summary().findings == ()
    revoke(site, "standing", "live", version=2)
    revoke(site, "seated", version=3, gen=2)
    kinds = {Incident.REVOKED_ADMISSION, Incident.SUPERSEDED_ADMISSION}
    assert {found.kind for found in site.gate.ledger.summary().findings} == kinds
    words = {id_hash(site.world, "standing"): Word(0, True), id_hash(site.world, "seated"): Word(2)}
    expected = of_records(site, words)
    assert site.gate.ledger.summary() == expected
    site.reopen()
    before = site.gate.ledger.summary()
    assert before.digest() == of_records(site, words).digest()


def test_a_record_that_comes_after_the_word_is_judged_by_it(pair: tuple[Site, Site]) -> None:
    """South did not know yet that the ticket was withdrawn."""
    north, south = pair
    revoke(north, "standing", version=2)
    assert south.code_of("standing", "south") == "admitted"
    heard(south, north)
    kinds = [found.kind for found in north.gate.ledger.summary().findings]
    assert kinds == [Incident.REVOKED_ADMISSION]
    assert north.gate.ledger.summary() == of_records(
        north, {id_hash(north.world, "standing"): Word(0, True)}
    )


def test_a_word_may_come_for_one_ticket_alone(site: Site) -> None:
    """By a delta, before or after the record."""
    ledger = site.gate.ledger
    ledger.learn_ticket(EVENT, id_hash(site.world, "standing"), Word(0, True))
    site.scan("standing")
    site.scan("seated")
    ledger.learn_ticket(EVENT, id_hash(site.world, "seated"), Word(3))
    kinds = sorted(found.kind for found in ledger.summary().findings)
    assert kinds == sorted([Incident.REVOKED_ADMISSION, Incident.SUPERSEDED_ADMISSION])
