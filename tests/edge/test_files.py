"""Files carried to a gate: taken in whole or not at all (spec/files.md §2)."""

import os
import sqlite3
from collections.abc import Iterable

import pytest

from edge.gate.gate import NotSetUp
from edge.practice.world import EVENT, World
from edge.store.identity import load_identity
from edge.store.stores import KEY, open_stores
from edge.store.wiping import wipe
from shared.bundle import FileKind, Part, Section, encode
from shared.devices.roster import Cutoff
from shared.errors import UsherError
from shared.log.record import Kind
from shared.manifest.ticket import Status
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, SAM, STAFFED, Site, chained, heard, preload
from tests.edge.papers import keyset, manifest, roster


@pytest.fixture
def own(make: MakeSite) -> Site:
    """Return an open gate with an organizer of its own, at version 1 of everything."""
    return make(World.make(NOW, tickets=12))


def held(site: Site) -> dict[object, object]:
    """Return all that is in force and what the device remembers beside it."""
    stores = open_stores(site.folder)
    try:
        with stores.database.reading() as connection:
            chunks = connection.execute("SELECT digest FROM chunk ORDER BY digest").fetchall()
            settings = connection.execute("SELECT * FROM setting ORDER BY name").fetchall()
        return {"documents": stores.documents.all(), "chunks": chunks, "settings": settings}
    finally:
        stores.close()


def refused(site: Site, data: bytes | Iterable[Section]) -> str:
    """Return the code with which a file is refused; nothing may have changed by it."""
    file = data if isinstance(data, bytes) else preload(*data)
    before, scanned = held(site), site.code_of("#1")
    with pytest.raises(UsherError) as caught:
        site.load(file)
    site.gate.reload()
    assert held(site) == before
    assert scanned in ("admitted", "already_admitted")
    assert site.code_of("#1") == "already_admitted"
    return caught.value.code


# -- what comes by file counts --


def test_a_newer_manifest_withdraws_a_ticket_at_once(own: Site) -> None:
    """Without a restart, and whoever is inside may leave."""
    assert own.code_of("standing") == "admitted"
    organizer = own.world.organizer
    for label in ("standing", "seated"):
        organizer.sell(label, organizer.sold[label]._replace(status=Status.REVOKED))
    assert own.feed(*manifest(organizer, 2)) == ["Night at the Arena: version 2, 35 tickets"]
    assert own.code_of("seated") == "revoked"
    assert own.code_of("standing", "out") == "exit"
    assert own.code_of("standing") == "revoked"
    own.reopen()
    assert own.code_of("standing") == "revoked"


def test_the_same_file_again_is_nothing_new(own: Site) -> None:
    """Byte for byte."""
    before = held(own)
    assert own.load(own.world.organizer.preload()) == []
    assert held(own) == before


def test_chunks_that_are_here_need_not_come_again(own: Site) -> None:
    """A head with the chunks that changed is enough."""
    organizer = own.world.organizer
    head, _, _ = manifest(organizer, 2)
    assert own.feed(head) == ["Night at the Arena: version 2, 35 tickets"]
    assert own.scan("seated").name == "Seated"


def test_what_no_head_names_any_more_is_dropped(own: Site) -> None:
    """The disk does not fill up by loading."""
    organizer = own.world.organizer
    for version in range(2, 6):
        sold = organizer.sold["standing"]
        organizer.sell("standing", sold._replace(gen=version))
        own.feed(*manifest(organizer, version))
    head = own.gate.held.trust.books[EVENT].manifest.head
    named = {name for name in (*head.chunks, *head.names) if name}
    assert len(held(own)["chunks"]) <= len(named) + 1  # type: ignore[arg-type]


def test_a_device_that_is_revoked_by_roster_admits_nobody(own: Site) -> None:
    """Nor after a restart."""
    organizer = own.world.organizer
    organizer.enrol("North", own.me.pk, Cutoff(99, 1))
    own.feed(Section(Part.ROSTER, organizer.roster(2)))
    for _ in range(2):
        verdict = own.scan("standing")
        assert (verdict.code, verdict.reason) == ("gate_locked", "device_revoked")
        own.reopen()


def test_a_device_that_the_roster_left_out_admits_nobody(own: Site) -> None:
    """Its records would count for nothing."""
    organizer = own.world.organizer
    own.feed(Section(Part.ROSTER, roster(organizer, 2, devices=())))
    assert own.scan("standing").reason == "not_on_roster"


def test_records_behind_a_cutoff_do_not_count_and_are_kept(pair: tuple[Site, Site]) -> None:
    """Up to it they do."""
    north, south = pair
    south.scan("standing", "south")
    south.scan("seated", "south")
    organizer = north.world.organizer
    organizer.enrol("South", south.me.pk, Cutoff(1, 2))
    north.feed(Section(Part.ROSTER, organizer.roster(2)))
    heard(south, north)
    assert north.code_of("standing") == "already_admitted"
    assert north.code_of("seated") == "admitted"
    kept = [raw for raw in north.gate.stores.log.records() if raw[4:20] == south.me.device]
    assert len(kept) == 3


def test_a_withdrawn_manifest_key_makes_the_list_as_old_as_can_be(own: Site) -> None:
    """The policy for that holds: here a supervisor. A new list by a good key mends it."""
    organizer = own.world.organizer
    own.feed(Section(Part.KEYSET, keyset(organizer, 2, "manifest")))
    verdict = own.scan("standing")
    assert (verdict.code, verdict.why) == ("supervisor_required", "manifest_expired")
    assert own.gate.board.status().data_state == "restricted"
    assert refused_code(own, manifest(organizer, 9)) == "document_unknown_key"
    own.reopen()
    assert own.scan("standing").reason == "no_manifest"


def refused_code(site: Site, sections: Iterable[Section]) -> str:
    with pytest.raises(UsherError) as caught:
        site.feed(*sections)
    return caught.value.code


# -- what is refused, and changes nothing --


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("older manifest", "manifest_rollback"),
        ("another of the same version", "manifest_forked"),
        ("expired manifest", "manifest_expired"),
        ("manifest of the future", "manifest_future"),
        ("manifest by the roster's key", "document_unknown_key"),
        ("manifest by nobody", "document_unknown_key"),
        ("missing chunks", "manifest_incomplete"),
        ("older roster", "roster_rollback"),
        ("another roster", "roster_forked"),
        ("expired roster", "roster_expired"),
        ("another tenant's roster", "roster_tenant"),
        ("older keyset", "keyset_rollback"),
        ("another keyset", "keyset_forked"),
        ("another organizer's keyset", "document_unknown_key"),
    ],
)
def test_what_must_not_follow_is_refused_with_its_code(own: Site, name: str, code: str) -> None:
    """Though the file has a good part before it: nothing of it counts."""
    organizer = own.world.organizer
    own.feed(
        Section(Part.KEYSET, keyset(organizer, 5)),
        Section(Part.ROSTER, roster(organizer, 5)),
        *manifest(organizer, 5),
    )
    assert refused(own, bad(own, name)) == code


def bad(site: Site, name: str) -> list[Section]:
    """Return the parts of a file that must be refused."""
    organizer, stranger = site.world.organizer, World.make(NOW, tickets=0, seed=b"x").organizer
    head, chunks, names = manifest(organizer, 6)
    good = Section(Part.ROSTER, roster(organizer, 6))
    sold = organizer.sold["#2"]
    cases: dict[str, list[Section]] = {
        "older manifest": [good, *manifest(organizer, 4)],
        "another of the same version": [good, *manifest(organizer, 5, sales_end=NOW)],
        "expired manifest": [good, *manifest(organizer, 6, expires=NOW)],
        "manifest of the future": [good, *manifest(organizer, 6, issued=NOW + 301)],
        "manifest by the roster's key": [good, *manifest(organizer, 6, key="roster")],
        "manifest by nobody": [good, *manifest(organizer, 6, key="nobody")],
        "older roster": [head, chunks, names, Section(Part.ROSTER, roster(organizer, 4))],
        "another roster": [Section(Part.ROSTER, roster(organizer, 5, issued=NOW - 1))],
        "expired roster": [Section(Part.ROSTER, roster(organizer, 6, expires=NOW))],
        "another tenant's roster": [
            Section(Part.ROSTER, roster(organizer, 6, tenant=stranger.tenant.hex()))
        ],
        "older keyset": [good, Section(Part.KEYSET, keyset(organizer, 4))],
        "another keyset": [good, Section(Part.KEYSET, keyset(organizer, 5, issued=NOW - 1))],
        "another organizer's keyset": [good, Section(Part.KEYSET, stranger.keyset(6))],
    }
    if name == "missing chunks":
        organizer.sell("#2", sold._replace(gen=7))
        return [good, manifest(organizer, 6)[0]]
    return cases[name]


@pytest.mark.parametrize("part", [Part.CHUNKS, Part.NAMES])
def test_chunks_of_another_event_are_refused(own: Site, part: Part) -> None:
    """They fit no hash of the head before them."""
    other = World.make(NOW, tickets=30, event=b"another!").organizer
    head = manifest(own.world.organizer, 6)[0]
    foreign = next(each for each in manifest(other, 6) if each.part is part)
    assert refused(own, [head, foreign]) == {4: "chunk_hash", 5: "names_hash"}[part]


def test_a_half_copied_file_is_refused_at_any_length(own: Site) -> None:
    """And one that was damaged or goes on behind its end."""
    organizer = own.world.organizer
    file = preload(Section(Part.ROSTER, roster(organizer, 6)), *manifest(organizer, 6))
    codes = {refused(own, file[:cut]) for cut in range(0, len(file), len(file) // 9)}
    assert codes <= {"file_truncated", "file_magic", "file_damaged"}
    middle = len(file) // 2
    assert refused(own, file[:middle] + b"\0" + file[middle + 1 :]) == "file_damaged"
    assert refused(own, file + b"\0") == "file_longer"
    assert refused(own, b"") in ("file_truncated", "file_magic")


def test_a_part_that_does_not_belong_is_refused(own: Site) -> None:
    """Names without a head before them."""
    names = manifest(own.world.organizer, 6)[2]
    assert refused(own, [names]) == "file_section"


def test_another_event_of_the_same_organizer_is_a_second_book(own: Site) -> None:
    """Its head is signed by the same key: it stands beside the first."""
    other = World.make(NOW, tickets=3, event=b"another!").organizer
    own.feed(*manifest(other, 1))
    assert set(own.gate.held.trust.books) == {EVENT, b"another!"}
    assert own.code_of("standing") == "admitted"


def test_an_older_search_list_is_passed_over(own: Site) -> None:
    """A list is a convenience."""
    organizer = own.world.organizer
    for version, news in ((2, 1), (1, 0)):
        head, parts = organizer.search(version)
        sections = (Section(Part.SEARCH_ENTRIES, part) for part in parts)
        told = own.feed(Section(Part.SEARCH_HEAD, head), *sections)
        assert len(told) == news


# -- commands --


def test_lock_and_unlock_by_file(own: Site) -> None:
    """Each number once; nothing older, and nobody else's."""
    command = own.world.organizer.command

    def carry(*fields: object) -> Section:
        return Section(Part.COMMAND, command(*fields))  # type: ignore[arg-type]

    me = own.me.device
    lock = carry(me, 5, "lock")
    assert own.feed(lock) == ["command 5: lock"]
    assert own.scan("standing").reason == "locked"
    own.reopen()
    assert own.scan("standing").reason == "locked"
    assert refused_code(own, [carry(me, 4, "unlock")]) == "command_replayed"
    assert refused_code(own, [carry(bytes(16), 6, "unlock")]) == "command_other_device"
    own.feed(carry(me, 6, "unlock"))
    assert own.code_of("standing") == "admitted"
    assert refused_code(own, [lock]) == "command_replayed"
    assert own.code_of("seated") == "admitted"


def test_a_command_by_another_key_is_refused(own: Site) -> None:
    """The roster's key locks nobody."""
    raw = bytearray(own.world.organizer.command(own.me.device, 5, "lock"))
    raw[-1] ^= 1
    assert refused(own, [Section(Part.COMMAND, bytes(raw))]) == "document_bad_signature"


def test_a_wipe_destroys_the_key_first_and_then_everything(own: Site) -> None:
    """The running gate is locked from then on; nothing of it starts again."""
    own.sign_in(SAM)
    own.scan("standing")
    wipe = Section(Part.COMMAND, own.world.organizer.command(own.me.device, 1, "wipe"))
    own.feed(wipe)
    assert {path.name for path in own.folder.iterdir()} <= {"lock", "loading"}
    verdict = own.scan("standing")
    assert (verdict.code, verdict.reason) == ("gate_locked", "wiped")
    assert own.code_of("standing", "out") == "gate_locked"
    assert own.gate.staff.session(STAFFED) is None
    assert not own.gate.board.status().ready
    own.close()
    with pytest.raises(NotSetUp):
        own.open()


def test_a_wipe_that_was_cut_off_has_destroyed_the_key(
    own: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left behind speaks for nobody."""

    class Cut(Exception):
        pass

    def cut(*_: object) -> None:
        raise Cut

    own.close()
    monkeypatch.setattr(os, "truncate", cut)
    with pytest.raises(Cut):
        wipe(own.folder)
    assert load_identity(own.folder / KEY) is None
    assert own.me.secret[:32] not in own.bytes_of()


# -- logs --


def test_a_log_of_a_device_that_is_not_listed_is_passed_over(own: Site, make: MakeSite) -> None:
    """Its records are not even kept."""
    stranger = make(World.make(NOW, tickets=12))
    stranger.scan("standing")
    data = stranger.export()
    same = own.me.device == stranger.me.device
    assert not same
    assert ["not on the roster" in each for each in own.load(data)] == [True]
    assert {raw[4:20] for raw in own.gate.stores.log.records()} == {own.me.device}


def test_a_forged_batch_is_refused_by_itself_and_told_of(pair: tuple[Site, Site]) -> None:
    """A record that somebody changed on the way, at the end of the batch."""
    north, south = pair
    south.scan("standing", "south")
    south.scan("seated", "south")
    raws = south.raws()
    forged = raws[-1][:97] + bytes([raws[-1][97] ^ 1]) + raws[-1][98:]
    parts = (
        Section(Part.DEVICE, south.me.pk),
        Section(Part.RECORDS, b"".join([*raws[:-1], forged])),
    )
    news = north.load(b"".join(encode(FileKind.LOG, parts)))
    assert news == ["South: 2 new records, then stopped: bad_signature"]
    assert north.code_of("standing") == "already_admitted"
    assert north.code_of("seated") == "admitted"


def test_a_gates_own_log_comes_back_to_it_after_a_lost_disk(pair: tuple[Site, Site]) -> None:
    """Heard by another gate and carried back before it starts: it goes on behind it."""
    north, south = pair
    south.reopen()
    for label in ("standing", "seated"):
        south.scan(label, "south")
    old = south.raws()
    heard(south, north)
    south.close()
    connection = sqlite3.connect(south.folder / "gate.db")
    connection.execute("DELETE FROM record")
    connection.commit()
    connection.close()
    (south.folder / "mirror.log").unlink()
    heard(north, south)
    south.open()
    assert south.raws()[: len(old)] == old
    chained(south)
    assert south.code_of("seated") == "already_admitted"


def test_a_log_goes_on_to_a_third_gate_with_its_proofs(pair: tuple[Site, Site]) -> None:
    """What one gate exports has what it heard of others."""
    north, south = pair
    south.scan("standing", "south")
    heard(south, north)
    north.scan("standing", "out")
    before = [r.kind for r in north.records(Kind.OUT)]
    assert before == [Kind.OUT]
    heard(north, south)
    assert south.code_of("standing", "south") == "readmitted"
