"""Search lists at a gate: taken in part by part, opened for a supervisor, and let go of again."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import pytest

from edge.errors import Refused
from edge.gate.acts import Act
from edge.gate.guests import GuestList, opened
from edge.gate.trust import Search
from edge.practice.organizer import Organizer
from edge.practice.world import EVENT, World
from shared import hashing, keys
from shared.bundle import Part, Section
from shared.errors import UsherError
from shared.manifest.search import SEARCH_HEAD, Entry, Words, make_head, seal_part
from shared.manifest.search_keys import Series
from shared.signed import Kind, open_signed, seal
from tests.damage import flipped
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, STAFFED, SUE, Site
from tests.edge.papers import roster


class Writer:
    """An organizer's search list, as many parts and versions as a test needs."""

    def __init__(self, organizer: Organizer, number: int = 1) -> None:
        self.organizer = organizer
        self.series = Series(EVENT, bytes((number,)) * 16, organizer.make(b"series %d" % number))
        self.parts: list[bytes] = []
        self.version = 10 * number
        self.readers = [SUE]

    def write(self, *words: Words, at: int | None = None) -> None:
        """Write parts from a place on."""
        first = len(self.parts) if at is None else at
        salts = (self.organizer.make(b"%d %d" % (self.version, n)) for n in range(len(words)))
        new = [
            seal_part(self.series, place, each, salt)
            for place, (each, salt) in enumerate(zip(words, salts, strict=True), first)
        ]
        self.parts[first:] = new

    def head(self) -> bytes:
        """Sign the next version."""
        self.version += 1
        make = self.organizer.make
        badges = {
            keys.public_key(self.organizer.secret(f"badge {who}")): make(f"e {who}".encode())
            for who in self.readers
        }
        digests = [sha256(part).digest() for part in self.parts]
        head = make_head(self.series, self.version, digests, badges)
        return seal(Kind.SEARCH, head, self.organizer.secret("manifest"))

    def sections(self, places: Iterable[int] | None = None) -> list[Section]:
        """Return the next version as it is carried, with some of its parts."""
        carried = range(len(self.parts)) if places is None else places
        parts = (Section(Part.SEARCH_ENTRIES, self.parts[place]) for place in carried)
        return [Section(Part.SEARCH_HEAD, self.head()), *parts]


def entry(world: World, label: str, name: str) -> Entry:
    """Return the entry of a ticket that was sold."""
    sold = world.organizer.sold[label]
    return Entry(hashing.id_hash(sold.ticket), name, sold.name.seat, "B-1", sold.ticket_class)


@pytest.fixture
def own(make: MakeSite) -> Site:
    """Return an open gate with an organizer of its own, and a supervisor on duty."""
    site = make(World.make(NOW, tickets=12))
    site.sign_in()
    return site


@pytest.fixture
def writer(own: Site) -> Writer:
    """Return the organizer's next series, of two parts."""
    writer = Writer(own.world.organizer)
    writer.write(
        Words([entry(own.world, "standing", "Ana Ruiz"), entry(own.world, "seated", "Bo Ek")], []),
        Words([entry(own.world, "family", "Chen Wu")], []),
    )
    return writer


def names(site: Site, words: str) -> list[str]:
    """Return whom a supervisor finds."""
    return [found.name for found in site.gate.desk.find(STAFFED, words).found]


def refused(site: Site) -> str:
    """Return why a search is refused."""
    with pytest.raises(Refused) as caught:
        site.gate.desk.find(STAFFED, "ruiz")
    return caught.value.code


def lists(site: Site) -> dict[bytes, GuestList]:
    """Return what is open at the desk."""
    duty = site.gate.lanes.lane(STAFFED).duty
    assert duty is not None
    return duty.lists


def chunks(site: Site) -> Sequence[bytes]:
    """Return the digests of all that is stored."""
    with site.gate.stores.database.reading() as connection:
        return [digest for (digest,) in connection.execute("SELECT digest FROM chunk")]


def test_a_change_opens_the_new_part_alone(own: Site, writer: Writer) -> None:
    """Renamed, taken away and added, while the supervisor stays on duty."""
    own.feed(*writer.sections())
    assert names(own, "ruiz") == ["Ana Ruiz"]
    before = lists(own)[EVENT]
    ana, bo = entry(own.world, "standing", "Ana Soto"), entry(own.world, "seated", "")
    writer.write(Words([ana, entry(own.world, "child", "Dara")], [bo.ticket]))
    told = own.feed(*writer.sections([2]))
    assert told == [f"search list {writer.version} for 1 badges"]
    assert names(own, "ana") == ["Ana Soto"]
    assert names(own, "ruiz") == names(own, "bo ek") == []
    assert names(own, "dara") == ["Dara"]
    after = lists(own)[EVENT]
    assert after.missing == 0
    assert all(after.parts[digest] is before.parts[digest] for digest in before.parts)
    assert len(after.parts) == 3


def test_a_part_that_is_written_again_replaces_what_was_there(own: Site, writer: Writer) -> None:
    """What it said before is neither found nor stored any more."""
    own.feed(*writer.sections())
    assert names(own, "chen") == ["Chen Wu"]
    stored = set(chunks(own))
    writer.write(Words([entry(own.world, "child", "Dara")], []), at=1)
    own.feed(*writer.sections([1]))
    assert names(own, "chen") == []
    assert names(own, "dara") == ["Dara"]
    assert len(stored - set(chunks(own))) == 1


def test_what_is_missing_is_said(own: Site, writer: Writer) -> None:
    """Nobody is told that somebody has no ticket, where half of the list was not looked at."""
    told = own.feed(*writer.sections([0]))
    assert told == [f"search list {writer.version} for 1 badges, 1 of 2 parts missing"]
    found = own.gate.desk.find(STAFFED, "chen wu")
    assert (found.found, found.missing) == ([], 1)
    assert own.gate.desk.find(STAFFED, "ruiz").missing == 1
    own.gate.stores.documents.add_chunks({sha256(writer.parts[1]).digest(): writer.parts[1]})
    found = own.gate.desk.find(STAFFED, "chen wu")
    assert ([each.name for each in found.found], found.missing) == (["Chen Wu"], 0)


def test_a_file_brings_what_one_before_lacked(own: Site, writer: Writer) -> None:
    """The same head again, with the rest; and once all is here, it is no news."""
    first = writer.sections([0])
    own.feed(*first)
    rest = Section(Part.SEARCH_ENTRIES, writer.parts[1])
    assert own.feed(first[0], rest) == [f"search list {writer.version} for 1 badges"]
    assert own.gate.desk.find(STAFFED, "chen wu").missing == 0
    assert own.feed(*first, rest) == []


def test_a_part_that_rotted_is_missing(own: Site, writer: Writer) -> None:
    """Not an end of the search, and not hidden."""
    own.feed(*writer.sections())
    with own.gate.stores.database.writing() as connection:
        query = "UPDATE chunk SET content = zeroblob(100) WHERE digest = ?"
        connection.execute(query, (sha256(writer.parts[0]).digest(),))
    found = own.gate.desk.find(STAFFED, "chen wu")
    assert (len(found.found), found.missing) == (1, 1)


@pytest.mark.parametrize("at", [0, 1])
def test_a_part_that_the_head_does_not_name_refuses_the_file(
    own: Site, writer: Writer, at: int
) -> None:
    """Changed, or of another list: and what was in force stays."""
    own.feed(*writer.sections())
    head, *parts = writer.sections()
    content = parts[at].content
    parts[at] = Section(Part.SEARCH_ENTRIES, flipped(content))
    before = chunks(own)
    with pytest.raises(UsherError) as caught:
        own.feed(head, *parts)
    assert caught.value.code == "search_hash"
    assert chunks(own) == before
    assert names(own, "ruiz") == ["Ana Ruiz"]


def test_an_older_version_is_passed_over(own: Site, writer: Writer) -> None:
    """A file that lay in a drawer."""
    old = writer.sections()
    own.feed(*old)
    writer.write(Words([entry(own.world, "standing", "Ana Soto")], []))
    own.feed(*writer.sections())
    assert own.feed(*old) == []
    assert names(own, "ana") == ["Ana Soto"]


def test_a_new_series_without_the_badge_closes_what_was_open(own: Site, writer: Writer) -> None:
    """Though its owner is still on duty, and the roster not here yet."""
    own.feed(*writer.sections())
    assert names(own, "ruiz") == ["Ana Ruiz"]
    after = Writer(own.world.organizer, 2)
    after.readers = ["Tom Technician"]
    after.write(Words([entry(own.world, "standing", "Ana Ruiz")], []))
    own.feed(*after.sections())
    assert refused(own) == "no_search_list"
    assert lists(own) == {}


def test_a_list_is_gone_with_the_session(own: Site, writer: Writer) -> None:
    """Signed out, or left alone for too long: the next search opens it anew."""
    own.feed(*writer.sections())
    assert names(own, "ruiz")
    duty = own.gate.lanes.lane(STAFFED).duty
    own.gate.staff.sign_out(STAFFED)
    assert own.gate.lanes.lane(STAFFED).duty is None
    own.sign_in()
    assert own.gate.lanes.lane(STAFFED).duty is not duty
    assert lists(own) == {}
    assert names(own, "ruiz")
    own.time.go(own.settings.lock_after + 1)
    own.gate.staff.lock_idle()
    assert own.gate.lanes.lane(STAFFED).duty is None


def test_a_badge_that_the_roster_revokes_is_signed_out(own: Site, writer: Writer) -> None:
    """With everything that it had opened."""
    own.feed(*writer.sections())
    assert names(own, "ruiz")
    own.world.organizer.revoked_badges[SUE] = own.time.now
    own.feed(Section(Part.ROSTER, roster(own.world.organizer, 2)))
    assert own.gate.lanes.lane(STAFFED).duty is None


def test_a_locked_gate_searches_for_nobody(own: Site, writer: Writer) -> None:
    """It may have been stolen: what was open is let go of, until it is unlocked."""
    own.feed(*writer.sections())
    assert names(own, "ruiz")
    command = own.world.organizer.command
    own.feed(Section(Part.COMMAND, command(own.me.device, 1, "lock")))
    assert refused(own) == "gate_locked"
    assert lists(own) == {}
    own.feed(Section(Part.COMMAND, command(own.me.device, 2, "unlock")))
    assert names(own, "ruiz") == ["Ana Ruiz"]


def test_who_is_found_is_admitted_by_hand(own: Site, writer: Writer) -> None:
    """By the newest word of the list."""
    writer.write(Words([entry(own.world, "standing", "Ana Soto")], []))
    own.feed(*writer.sections())
    own.gate.lanes.choose(STAFFED, EVENT.hex(), 1, exiting=False)
    (found,) = own.gate.desk.find(STAFFED, "soto").found
    verdict = own.gate.desk.by_hand(STAFFED, found.ticket, Act())
    assert (verdict.code, verdict.name) == ("admitted", "Ana Soto")


def test_nothing_of_the_list_is_read_twice(own: Site, writer: Writer) -> None:
    """The same version again asks the disk for nothing."""
    raw, pk = writer.head(), keys.public_key(own.world.organizer.secret("manifest"))
    head = open_signed(Kind.SEARCH, raw, {hashing.kid(pk): pk}, SEARCH_HEAD)
    search = Search(raw, head)
    held = {sha256(part).digest(): part for part in writer.parts}
    asked: list[bytes] = []

    def chunk(digest: bytes) -> bytes | None:
        asked.append(digest)
        return held.get(digest)

    badge = own.world.organizer.secret(f"badge {SUE}")
    first = opened(None, search, badge, chunk)
    assert len(asked) == 2
    assert opened(first, search, badge, chunk) is first
    assert len(asked) == 2
