"""What gates' copies of all logs lack of each other, and what comes of it when they meet."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from edge.gate.acts import Act
from edge.gate.replica import Replica
from edge.practice.world import World
from edge.store.database import StorageFailed
from edge.store.log import LogStore
from edge.sync.client import Answer, Cloud
from edge.sync.failures import Away, Denied
from edge.sync.push import Pushing
from shared import hashing
from shared.bundle import FileKind, Part, Section, decode, encode
from shared.errors import Malformed
from shared.log.chain import Fault
from shared.log.gossip import Mark, Span
from shared.log.record import SIZE, Kind, place_of, record_hash
from shared.merge.incidents import Incident
from tests.damage import flipped
from tests.edge.gates import NOW, Site, meaning, two_sites
from tests.scribe import Scribe

Sites = tuple[Site, Site]


@pytest.fixture
def house(swift: Path) -> Iterator[tuple[Site, Site, Scribe]]:
    """Return two gates, and a device of their roster that writes what it is told."""
    world, scribe = World.make(NOW, tickets=8), Scribe("hostile")
    world.organizer.enrol("Hostile", scribe.public)
    both = two_sites(swift, world)
    yield *both, scribe
    for site in both:
        site.close()


def replica(site: Site) -> Replica:
    return site.gate.replica


def packed(device: Scribe, *runs: list[bytes], blobs: tuple[bytes, ...] = ()) -> bytes:
    """Return a file as another implementation would write it."""
    sections = [Section(Part.DEVICE, device.public)]
    sections += [Section(Part.RECORDS, b"".join(run)) for run in runs]
    sections += [Section(Part.BLOB, blob) for blob in blobs]
    return b"".join(encode(FileKind.LOG, sections))


def records(file: bytes) -> list[bytes]:
    """Return the records of a file in its order."""
    joined = b"".join(part.content for part in decode(file)[1] if part.part is Part.RECORDS)
    return [joined[at : at + SIZE] for at in range(0, len(joined), SIZE)]


def brought(by: Site, to: Site, most: int = 2 << 20) -> int:
    """Bring what one gate has to another until it says that there is no more; return how many
    records were new."""
    new = 0
    for _ in range(10_000):
        file, more = replica(by).lacking(replica(to).vector(), most, to.me.device)
        assert len(file) <= most
        new += replica(to).take(file).new
        if not more:
            return new
    raise AssertionError("it never ends")


def night(site: Site, lane: str) -> None:
    for label in ("standing", "seated", "family", "revoked", "daily", "standing"):
        site.scan(label, lane)
    site.scan("standing", "out")


def test_two_gates_come_to_hold_the_same(pair: Sites) -> None:
    """Each record once, and then nothing more is sent."""
    north, south = pair
    night(north, "north")
    night(south, "south")
    counts = len(north.raws()), len(south.raws())
    assert brought(north, south) == counts[0]
    assert brought(south, north) == counts[1]
    assert meaning(north) == meaning(south)
    assert replica(north).vector() == replica(south).vector()
    file, more = replica(north).lacking(replica(south).vector())
    assert (records(file), more) == ([], False)


@pytest.mark.parametrize("most", [700, 1200, 5000])
def test_pieces_have_the_size_that_was_asked_for(pair: Sites, most: int) -> None:
    """Also where one record and its proof are nearly as much."""
    north, south = pair
    for turn in range(6):
        north.scan("standing", ("north", "out")[turn % 2])
    assert brought(north, south, most) == len(north.raws())
    assert meaning(north) == meaning(south)


def test_proofs_come_along(pair: Sites) -> None:
    """An exit at another gate counts, by the code that was scanned."""
    north, south = pair
    north.scan("standing")
    brought(north, south)
    south.scan("standing", "out")
    brought(south, north)
    assert north.gate.ledger.summary().unproved == ()
    assert north.code_of("standing") == "readmitted"


def test_a_push_has_just_these_records(pair: Sites) -> None:
    """With the blobs that they name."""
    north, south = pair
    north.scan("standing")
    north.scan("standing", "out")
    brought(north, south)
    told: list[tuple[bytes, ...]] = []
    north.gate.ledger.listen(lambda raws, own: told.append((bytes([own]), *raws)))
    north.scan("seated")
    north.scan("seated", "out")
    assert [len(raws) - 1 for raws in told] == [1, 1]
    file = replica(north).of(told[1][1:])
    assert records(file) == [*told[1][1:]]
    assert len([part for part in decode(file)[1] if part.part is Part.BLOB]) == 1


def test_a_push_before_its_turn_waits(pair: Sites) -> None:
    """It is kept and shown, and counts when what is missing is here; the vector says what."""
    north, south = pair
    brought(north, south)
    for label in ("standing", "seated", "family"):
        north.scan(label)
    first, second, third = north.raws()[-3:]
    late = replica(south).take(replica(north).of([third]))
    assert (late.new, late.waiting) == (1, 1)
    assert south.scan("family", "south").code == "admitted", "it does not count yet"
    before = replica(south).vector()[north.me.device, 1]
    assert before.hash == first[32:64]
    south.reopen()
    assert replica(south).vector()[north.me.device, 1] == before
    assert [name for _, name in south.gate.ledger.summary().quarantined] == [
        record_hash(third)[:16]
    ]
    file, _ = replica(north).lacking(replica(south).vector())
    assert records(file) == [first, second, third]
    taken = replica(south).take(file)
    assert (taken.new, taken.known, taken.waiting) == (2, 1, 0)
    assert replica(south).vector()[north.me.device, 1] == Mark(4, record_hash(third))
    assert south.gate.ledger.summary().quarantined == ()


def test_twice_and_out_of_order_is_one_record_each(pair: Sites) -> None:
    """By whichever files they come."""
    north, south = pair
    night(north, "north")
    raws = north.raws()
    push = [replica(north).of([raw]) for raw in reversed(raws)]
    assert [replica(south).take(file).new for file in (*push, *push)] == [1] * 8 + [0] * 8
    assert brought(north, south) == 0
    brought(south, north)
    assert meaning(north) == meaning(south)
    south.reopen()
    kept = [raw for raw in south.gate.stores.log.records() if raw[4:20] == north.me.device]
    assert kept == raws


def fork(scribe: Scribe, entries: int) -> tuple[list[bytes], list[bytes]]:
    """Return two histories of one device: common beginning, then parting."""
    scribe.boot()
    scribe.enter("common")
    common, head, seq = list(scribe.log), scribe.head, scribe.seq
    for number in range(entries):
        scribe.enter(f"one {number}")
    one = list(scribe.log)
    scribe.log, scribe.head, scribe.seq = common, head, seq
    for number in range(entries + 3):
        scribe.enter(f"two {number}")
    return one, list(scribe.log)


@pytest.mark.parametrize("most", [1000, 2 << 20])
@pytest.mark.parametrize("entries", [1, 9])
def test_a_device_with_two_histories_is_seen_by_all(
    house: tuple[Site, Site, Scribe], most: int, entries: int
) -> None:
    """Whoever heard which: in the end all hold both, and one place is told of for each."""
    north, south, scribe = house
    one, two = fork(scribe, entries)
    assert replica(north).take(packed(scribe, one)).faults == {}
    assert replica(south).take(packed(scribe, two)).faults == {}
    for _ in range(3):
        brought(north, south, most)
        brought(south, north, most)
    assert meaning(north) == meaning(south)
    found = [f.kind for f in north.gate.ledger.summary().findings]
    assert found.count(Incident.EQUIVOCATION) == entries
    assert north.gate.ledger.summary().quarantined == ()
    assert len([*north.gate.stores.log.records()]) == len({*one, *two}) + 2


@pytest.mark.parametrize("most", [1000, 2 << 20])
def test_a_fork_that_the_last_record_does_not_show_is_told(
    house: tuple[Site, Site, Scribe], most: int
) -> None:
    """Both hold the same last record, and one a shorter history beside it."""
    north, south, scribe = house
    one, two = fork(scribe, 4)
    assert replica(south).take(packed(scribe, two)).new == len(two)
    taken = replica(north).take(packed(scribe, two, one))
    assert taken.faults == {scribe.device: Fault.FORK}
    key = scribe.device, 1
    assert replica(north).vector()[key] == replica(south).vector()[key]
    assert brought(north, south, most) == 4 + 1, "and its own BOOT"
    brought(south, north)
    assert meaning(north) == meaning(south)


def test_a_fork_is_not_sent_again_and_again(house: tuple[Site, Site, Scribe]) -> None:
    """Once to each, and then not for a while."""
    north, _, scribe = house
    one, two = fork(scribe, 2)
    replica(north).take(packed(scribe, one, two))
    sent = [
        len(records(replica(north).lacking(replica(north).vector(), to=to)[0]))
        for to in (b"a", b"b", b"a", b"a", b"b")
    ]
    assert sent == [9, 9, 0, 0, 0]


def test_what_is_written_behind_a_walk_is_sent_by_it(house: tuple[Site, Site, Scribe]) -> None:
    """Of one history so much was sent, and then the other's records came at earlier places."""
    north, _, scribe = house
    one, two = fork(scribe, 30)
    replica(north).take(packed(scribe, one, two[:3]))
    sent: set[bytes] = set()

    def piece() -> bool:
        file, more = replica(north).lacking(replica(north).vector(), 2000, b"a")
        sent.update(records(file))
        return more

    assert all(piece() for _ in range(3))
    late = two[3:5]
    assert place_of(max(sent, key=place_of))[2] > place_of(late[-1])[2]
    replica(north).take(packed(scribe, late))
    for _ in range(20):
        if not piece():
            break
    assert sent == {*one, *two[:5]}
    assert not piece()
    assert not records(replica(north).lacking(replica(north).vector(), to=b"a")[0]), "but once"


def test_a_piece_that_a_disk_withheld_is_sent(
    house: tuple[Site, Site, Scribe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk was through, and what was to stand behind it could not be read."""
    north, _, scribe = house
    one, two = fork(scribe, 2)
    replica(north).take(packed(scribe, one, two))
    held, calls = LogStore.held, []

    def second_fails(log: LogStore, span: Span) -> Iterator[tuple[bytes, bytes | None]]:
        calls.append(span)
        if len(calls) == 2:
            raise StorageFailed("a bad sector")
        return held(log, span)

    monkeypatch.setattr(LogStore, "held", second_fails)
    with pytest.raises(StorageFailed):
        replica(north).lacking({}, to=b"a")
    file, _ = replica(north).lacking(replica(north).vector(), to=b"a")
    assert {*records(file)} == {*one, *two}


class Refusing:
    """A cloud that finds the first file too large, and then is gone."""

    def __init__(self) -> None:
        self.files: list[bytes] = []

    async def post(self, _path: str, file: bytes, _most: int) -> Answer:
        self.files.append(file)
        raise Denied(413, "too_large") if len(self.files) == 1 else Away("gone")


def test_a_piece_that_the_cloud_refuses_is_in_the_next_file(
    house: tuple[Site, Site, Scribe],
) -> None:
    """A smaller one. Of two histories the cloud's vector doesn't say that they are there."""
    north, _, scribe = house
    one, two = fork(scribe, 2)
    replica(north).take(packed(scribe, one, two))
    cloud = Refusing()
    pushing = Pushing(cast("Cloud", cloud), north.gate)
    pushing._behind = replica(north).vector()
    with pytest.raises(Away):
        asyncio.run(pushing._all({scribe.device}, []))
    assert [{*records(file)} for file in cloud.files] == [{*one, *two}] * 2


def test_devices_on_no_roster_are_passed_over(house: tuple[Site, Site, Scribe]) -> None:
    """And counted; the others of the file are taken."""
    north, south, _ = house
    stranger = Scribe("stranger")
    stranger.boot()
    stranger.enter("anybody")
    night(south, "south")
    theirs = decode(replica(south).of(south.raws()))[1]
    mixed = [*decode(packed(stranger, stranger.log))[1], *theirs]
    taken = replica(north).take(b"".join(encode(FileKind.LOG, mixed)))
    assert (taken.strangers, taken.new) == (2, len(south.raws()))
    assert not any(raw[4:20] == stranger.device for raw in north.gate.stores.log.records())


def test_what_nobody_signed_is_not_taken(house: tuple[Site, Site, Scribe]) -> None:
    """A changed record, and one in another's name; whoever sends that is known by it."""
    north, south, scribe = house
    scribe.boot()
    entries = [scribe.enter(f"t{number}") for number in range(3)]
    changed = [scribe.log[0], entries[0], flipped(entries[1], 100)]
    taken = replica(north).take(packed(scribe, changed))
    assert (taken.new, taken.faults, taken.forged) == (
        2,
        {scribe.device: Fault.BAD_SIGNATURE},
        True,
    )
    foreign = replica(north).take(packed(scribe, south.raws()))
    assert (foreign.new, foreign.faults) == (0, {scribe.device: Fault.FOREIGN})
    assert foreign.forged
    assert replica(north).take(packed(scribe, entries)).new == 2
    assert north.gate.ledger.summary().quarantined == ()


def test_no_piece_ends_with_what_is_only_covered(house: tuple[Site, Site, Scribe]) -> None:
    """A device that spoils its own signatures must not make its peers look like forgers."""
    north, south, scribe = house
    scribe.boot()
    for number in range(8):
        spoilt = scribe.enter(f"t{number}")
        if number % 4 != 3:  # every fourth is rightly signed
            scribe.log[-1] = spoilt[:192] + bytes(64)
            scribe.head = record_hash(scribe.log[-1])
    assert replica(north).take(packed(scribe, scribe.log)).new == 9
    for most in (1500, 2000, 2500):
        file, more = replica(north).lacking({}, most)
        assert more
        assert replica(south).take(file).faults == {}
    assert brought(north, south) + len(south.raws()) > 0
    brought(south, north)
    assert meaning(north) == meaning(south)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda file: file[:-1], "file_truncated"),
        (lambda file: file + b"x", "file_longer"),
        (lambda file: flipped(file, 60), "file_damaged"),
        (lambda _: b"", "file_magic"),
        (lambda _: b"".join(encode(FileKind.PRELOAD, ())), "file_kind"),
        (
            lambda _: b"".join(encode(FileKind.LOG, [Section(Part.RECORDS, bytes(SIZE))])),
            "record_length",
        ),
    ],
)
def test_a_broken_file_brings_nothing(
    pair: Sites, spoil: Callable[[bytes], bytes], code: str
) -> None:
    """Not even its whole parts."""
    north, south = pair
    night(south, "south")
    file, _ = replica(south).lacking({})
    with pytest.raises(Malformed) as caught:
        replica(north).take(spoil(file))
    assert caught.value.code == code
    assert len([*north.gate.stores.log.records()]) == 1


def test_a_proof_that_comes_late_counts(pair: Sites) -> None:
    """The exit waits for it, visibly, also over a restart, and is proved when the blob comes."""
    north, south = pair
    north.scan("standing")
    brought(north, south)
    south.scan("standing", "out")
    parts = decode(replica(south).lacking(replica(north).vector())[0])[1]
    bare = b"".join(encode(FileKind.LOG, [p for p in parts if p.part is not Part.BLOB]))
    proof = b"".join(encode(FileKind.LOG, [p for p in parts if p.part is Part.BLOB]))
    assert replica(north).take(bare).new == 2
    assert len(north.gate.ledger.summary().unproved) == 1
    assert north.code_of("standing") == "already_admitted"
    north.reopen()
    assert len(north.gate.ledger.summary().unproved) == 1
    taken = replica(north).take(proof)
    assert (taken.new, taken.proofs) == (0, 1)
    assert north.gate.ledger.summary().unproved == ()
    assert replica(north).take(proof).proofs == 0
    before = meaning(north)
    north.reopen()
    assert meaning(north) == before


def test_blobs_that_no_record_names_are_not_kept(pair: Sites) -> None:
    """A disk is not filled by them."""
    north, _ = pair
    junk = b"".join(encode(FileKind.LOG, [Section(Part.BLOB, os.urandom(99)) for _ in range(9)]))
    assert replica(north).take(junk).proofs == 0
    assert [*north.gate.stores.log.all_blobs()] == []


def test_codes_that_prove_nothing_are_not_kept(house: tuple[Site, Site, Scribe]) -> None:
    """An entry needs no proof; whoever steals the card would find a ticket that opens gates."""
    north, _, scribe = house
    scribe.boot()
    scribe.enter("code")
    assert hashing.evidence(b"code") == scribe.log[1][156:188]
    assert replica(north).take(packed(scribe, scribe.log, blobs=(b"code",))).new == 2
    assert [*north.gate.stores.log.all_blobs()] == []


def test_an_attachment_may_come_late(pair: Sites) -> None:
    """Answers of a guest, after the record that names them."""
    north, south = pair
    held = south.scan("waiver", "south")
    south.gate.desk.resolve("south", held.scan, Act(answers={1: "yes", 2: "Spind 9"}))
    attached = [raw for raw in south.raws() if raw[1] == Kind.ATTACH]
    parts = decode(replica(south).lacking({})[0])[1]
    blobs = [part for part in parts if part.part is Part.BLOB]
    assert attached
    assert blobs
    bare = b"".join(encode(FileKind.LOG, [p for p in parts if p.part is not Part.BLOB]))
    replica(north).take(bare)
    assert replica(north).take(b"".join(encode(FileKind.LOG, blobs))).proofs == len(attached)
    assert [*north.gate.stores.log.all_blobs()] == [blob.content for blob in blobs]


def test_a_record_that_says_nonsense_stops_no_gate(house: tuple[Site, Site, Scribe]) -> None:
    """Though its blob came along: it holds its place, and the gate opens again."""
    north, south, scribe = house
    scribe.boot()
    scribe.write(Kind.OUT, "nonsense")  # an exit without a gate
    scribe.enter("sense")
    taken = replica(north).take(packed(scribe, scribe.log, blobs=(b"nonsense",)))
    assert (taken.new, taken.faults) == (3, {})
    assert hashing.evidence(b"nonsense") == scribe.log[1][156:188]
    north.reopen()
    assert len(north.gate.ledger.summary().quarantined) == 1
    brought(north, south)
    south.reopen()
    assert len(south.gate.ledger.summary().quarantined) == 1


def test_a_seq_beyond_all_measure_is_refused(house: tuple[Site, Site, Scribe]) -> None:
    """No roster could cut it off."""
    north, _, scribe = house
    scribe.boot()
    scribe.seq = 2**53
    scribe.enter("far")
    taken = replica(north).take(packed(scribe, [scribe.log[-1]]))
    assert (taken.new, taken.faults) == (0, {scribe.device: Fault.GAP})


def test_many_at_once_and_scans_between(pair: Sites) -> None:
    """Three peers bring the same while people come in: each record once, nothing lost."""
    north, south = pair
    for turn in range(30):
        south.scan("standing", ("south", "out")[turn % 2])
    files = [replica(south).of(south.raws()[at : at + 7]) for at in range(0, 31, 5)]
    new: list[int] = []

    def bring() -> None:
        new.extend(replica(north).take(file).new for file in files)

    threads = [threading.Thread(target=bring) for _ in range(3)]
    for thread in threads:
        thread.start()
    codes = [north.code_of(f"#{number}") for number in range(8)]
    for thread in threads:
        thread.join()
    assert codes == ["admitted"] * 8
    assert sum(new) == len(south.raws())
    brought(south, north)
    brought(north, south)
    assert meaning(north) == meaning(south)
    before = meaning(north)
    north.reopen()
    north.gate.ledger.summary()
    assert replica(north).vector()[south.me.device, 1].seq == 31
    assert meaning(south) == before
