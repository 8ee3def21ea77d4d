"""Documents and tickets taken in one by one while the gate runs, and files loaded beside it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from edge.gate.gate import NotSetUp
from edge.gate.taking import Taking
from edge.gate.tickets import Tickets
from edge.gate.trust import sealed_name
from edge.practice.world import World
from edge.store.documents import DocumentStore
from shared import hashing
from shared.bundle import Part, Section
from shared.errors import Refused, Untrusted, UsherError
from shared.keyset import KEYSET
from shared.manifest import build, delta
from shared.manifest.delta import Change
from shared.manifest.head import seal_head
from shared.manifest.table import Table
from shared.manifest.ticket import Status, TicketRecord
from shared.manifest.trusted import Manifest
from shared.rules.compiled import Age
from shared.signed import Kind, open_signed, seal
from tests.damage import flipped
from tests.edge.gates import DAY, NOW, Site, empty_site, feeding, make_site, preload

COUNT = 40


@pytest.fixture
def world() -> World:
    """An evening of this test's own."""
    return World.make(NOW, tickets=COUNT)


@pytest.fixture
def open_site(swift: Path, world: World) -> Iterator[Site]:
    """A gate that is loaded, with version 1, and open."""
    made = make_site(swift / "gate", world)
    made.open()
    yield made
    made.close()


class Edition(NamedTuple):
    """A version after another, and the log that leads to it."""

    held: Manifest
    log: bytes


def first(world: World, version: int = 1) -> Manifest:
    """Return a version with the organizer's tickets."""
    organizer = world.organizer
    table = organizer.table()
    head = build.head(
        table,
        organizer.plan,
        version=version,
        issued=organizer.now - 60,
        expires=organizer.now + 7 * DAY,
        sales_end=organizer.now + DAY,
    )
    return Manifest(seal_head(head, organizer.secret("manifest")), head, table)


def after(world: World, held: Manifest, changes: Sequence[Change]) -> Edition:
    """Publish the next version."""
    step = delta.entry(held.head.version + 1, changes)
    table = delta.advance(held.table, step)
    dates = {"issued": world.organizer.now, "expires": world.organizer.now + 7 * DAY}
    head = build.next_head(held.head, table, step, **dates)
    raw = seal_head(head, world.organizer.secret("manifest"))
    return Edition(Manifest(raw, head, table), delta.encode([step]))


def change(table: Table, ticket: bytes, status: Status) -> Change:
    """Return a ticket's change of status; its name stays."""
    record = table.find(ticket)
    assert record is not None
    return Change(record._replace(status=status), table.name(ticket))


def sold(table: Table, name: bytes = b"") -> Change:
    """Return a ticket that is new."""
    ticket = hashing.id_hash(b"new" + table.tickets.to_bytes(13, "big"))
    return Change(TicketRecord(ticket, table.tickets, 0, 1, Status.ACTIVE), name)


def whole(site: Site) -> None:
    """Everything that the head names is on the disk, and nothing else."""
    documents = site.gate.stores.documents
    trust = site.gate.held.trust
    named = set(trust.chunks())
    assert documents.held(named) == named
    assert documents.sweep(named) == 0


def named(site: Site, ticket: bytes) -> bytes:
    """Return a ticket's sealed name as a scan would read it."""
    book = site.gate.held.trust.books[site.world.organizer.event]
    return sealed_name(book, ticket, site.gate.stores.documents)


def test_a_delta_goes_to_the_disk_and_is_in_force(open_site: Site, world: World) -> None:
    """Records and names of the chunks that it touches, and after a restart as well."""
    start, event = first(world), world.organizer.event
    records = [*start.table.records()]
    gone, kept = records[3].ticket_hash, records[4].ticket_hash
    new = sold(start.table, bytes(60))
    edition = after(world, start, [change(start.table, gone, Status.REFUNDED), new])
    Tickets(open_site.gate).follow(event, edition.held.raw, edition.log)
    for _ in range(2):
        book = open_site.gate.held.trust.books[event]
        assert book.manifest.raw == edition.held.raw
        assert book.manifest.table.chunks == edition.held.table.chunks
        assert named(open_site, kept) == start.table.name(kept)
        assert named(open_site, new.record.ticket_hash) == bytes(60)
        whole(open_site)
        open_site.reopen()
    Tickets(open_site.gate).follow(event, edition.held.raw, edition.log)  # again: nothing happens


def test_a_gate_without_names_follows_without_names(swift: Path, world: World) -> None:
    """A file brought it none; the tickets go on, and what is lacking is told."""
    site = make_site(swift / "gate", world, names=False)
    site.open()
    try:
        organizer, event = world.organizer, world.organizer.event
        start = first(world, 2)
        tickets = Tickets(site.gate)
        lacking = tickets.begin(event, start.raw)
        assert lacking is not None
        tickets.keep({lacking.check(i, start.table.chunks[i]): start.table.chunks[i]
                      for i in lacking.records})  # fmt: skip
        assert tickets.finish(event)
        ticket = next(start.table.records()).ticket_hash
        edition = after(world, start, [change(start.table, ticket, Status.BLOCKED)])
        tickets.follow(event, edition.held.raw, edition.log)
        book = site.gate.held.trust.books[event]
        found = book.find(ticket)
        assert found is not None
        assert found.status == Status.BLOCKED
        assert named(site, ticket) == b""
        missing = tickets.names(event)
        assert missing is not None
        assert not missing.records
        for place in missing.names:
            names = edition.held.table.names[place]
            count = len(edition.held.table.chunks[place]) // 29
            tickets.keep({missing.check_names(place, names, count): names})
        assert tickets.names(event) is None
        assert named(site, ticket) == start.table.name(ticket)
        assert organizer.event == event
    finally:
        site.close()


def test_a_delta_that_is_wrong_changes_nothing(open_site: Site, world: World) -> None:
    """Another log than the chain's, an older head, another event's."""
    start, event = first(world), world.organizer.event
    edition = after(world, start, [sold(start.table)])
    tickets = Tickets(open_site.gate)
    for head, log, error in (
        (edition.held.raw, b"", Refused),
        (edition.held.raw, flipped(edition.log), UsherError),
        (flipped(edition.held.raw), edition.log, Untrusted),
    ):
        with pytest.raises(error):
            tickets.follow(event, head, log)
    with pytest.raises(Refused, match="manifest_event"):
        tickets.follow(bytes(8), edition.held.raw, edition.log)
    assert open_site.gate.held.trust.books[event].manifest.head.version == 1
    whole(open_site)
    tickets.follow(event, edition.held.raw, edition.log)
    with pytest.raises(Refused, match="manifest_rollback"):
        tickets.follow(event, start.raw, b"")


def rot(site: Site, digest: str) -> None:
    """Change the bytes of a chunk on the disk."""
    with site.gate.stores.database.writing() as connection:
        query = "UPDATE chunk SET content = x'ff' WHERE digest = ?"
        connection.execute(query, (bytes.fromhex(digest),))


def test_names_that_rotted_are_asked_for_again(open_site: Site, world: World) -> None:
    """The tickets go on without them."""
    start, event = first(world), world.organizer.event
    ticket = next(start.table.records()).ticket_hash
    place = ticket[0]
    rot(open_site, start.head.names[place])
    edition = after(world, start, [change(start.table, ticket, Status.BLOCKED)])
    tickets = Tickets(open_site.gate)
    tickets.follow(event, edition.held.raw, edition.log)
    lacking = tickets.names(event)
    assert lacking is not None
    assert lacking.places == lacking.names == {place}
    assert int(lacking.want, 16) == 1 << (255 - place)


def test_records_that_rotted_are_asked_for_again(open_site: Site, world: World) -> None:
    """After a restart the list can't be opened; a snapshot fetches the one chunk."""
    start, event = first(world), world.organizer.event
    place = next(start.table.records()).ticket_hash[0]
    rot(open_site, start.head.chunks[place])
    open_site.reopen()
    assert open_site.gate.held.trust.books == {}
    tickets = Tickets(open_site.gate)
    tickets.begin(event, start.raw)
    assert not tickets.finish(event)
    lacking = tickets.begin(event, start.raw)
    assert lacking is not None
    assert lacking.records == {place}
    records = start.table.chunks[place]
    tickets.keep({lacking.check(place, records): records})
    assert tickets.finish(event)


def test_a_snapshot_is_in_force_when_its_last_chunk_is_here(swift: Path, world: World) -> None:
    """Chunk by chunk, over restarts; wrong ones are refused, and nothing is in force before."""
    site = empty_site(swift / "gate", world)
    organizer = world.organizer
    site.load(preload(Section(Part.KEYSET, organizer.keyset()),
                      Section(Part.ROSTER, organizer.roster())))  # fmt: skip
    site.open()
    try:
        start, event = first(world), organizer.event
        places = [i for i, each in enumerate(start.table.chunks) if each]
        for place in places:
            tickets = Tickets(site.gate)
            lacking = tickets.begin(event, start.raw)
            assert lacking is not None
            assert place in lacking.records
            assert not tickets.finish(event)
            records, names = start.table.chunks[place], start.table.names[place]
            with pytest.raises(Untrusted, match="chunk_hash"):
                lacking.check(place, records + bytes(29))
            with pytest.raises(Untrusted, match="names_hash"):
                lacking.check_names(place, names + b"\0", len(records) // 29)
            with pytest.raises(UsherError, match="names_count"):
                lacking.check_names(place, names, 1 + len(records) // 29)
            tickets.keep({lacking.check(place, records): records})
            tickets.keep({lacking.check_names(place, names, len(records) // 29): names})
            assert site.gate.held.trust.books == {}
            if place % 8 == 0:
                site.reopen()
            site.gate.stores.documents.sweep(site.gate.held.trust.chunks())
        assert Tickets(site.gate).finish(event)
        assert site.gate.held.trust.coming == {}
        assert Tickets(site.gate).begin(event, start.raw) is None
        whole(site)
    finally:
        site.close()


def test_a_file_loaded_beside_is_not_overruled(open_site: Site, world: World) -> None:
    """Another process has put something newer in force, and the agent was not told yet."""
    start, event = first(world), world.organizer.event
    edition = after(world, start, [sold(start.table)])
    with feeding(open_site) as beside:
        beside.load(world.organizer.preload(5))
    assert open_site.gate.held.trust.roster.version == 1  # not read again yet
    with pytest.raises(Refused, match="manifest_rollback"):
        Tickets(open_site.gate).follow(event, edition.held.raw, edition.log)
    with pytest.raises(Refused, match="roster_rollback"):
        Taking(open_site.gate).roster(world.organizer.roster(4))
    with pytest.raises(Refused, match="keyset_rollback"):
        Taking(open_site.gate).keyset([world.organizer.keyset(4)])
    assert open_site.gate.held.trust.books[event].manifest.head.version == 5
    assert Taking(open_site.gate).roster(world.organizer.roster(6))
    assert not Taking(open_site.gate).roster(world.organizer.roster(6))


def test_a_file_keeps_what_is_on_its_way(open_site: Site, world: World) -> None:
    """Chunks of a snapshot that is coming are no rubbish to the process that loads a file."""
    start = first(world, 3)
    edition = after(world, start, [sold(start.table)])
    event, new = world.organizer.event, edition.held
    tickets = Tickets(open_site.gate)
    lacking = tickets.begin(event, new.raw)
    assert lacking is not None
    (place,) = lacking.records
    records = new.table.chunks[place]
    tickets.keep({lacking.check(place, records): records})
    open_site.feed(Section(Part.ROSTER, world.organizer.roster(2)))
    again = Tickets(open_site.gate).begin(event, new.raw)
    assert again is not None
    assert not again.records


def test_two_documents_of_one_version_are_a_fork(open_site: Site, world: World) -> None:
    """Both genuine: whoever signed them is not to be followed, and what is held stays."""
    organizer, event = world.organizer, world.organizer.event
    taking, tickets = Taking(open_site.gate), Tickets(open_site.gate)
    held = open_site.gate.held.trust
    other = organizer.head(organizer.table(), issued=organizer.now - 61)
    with pytest.raises(Refused, match="manifest_forked"):
        tickets.begin(event, other)
    with pytest.raises(Refused, match="manifest_forked"):
        tickets.follow(event, other, b"")
    organizer.enrol("South", open_site.me.pk)
    with pytest.raises(Refused, match="roster_forked"):
        taking.roster(organizer.roster())
    organizer.now += 1
    with pytest.raises(Refused, match="keyset_forked"):
        taking.keyset([organizer.keyset()])
    assert open_site.gate.held.trust == held


def revoking(world: World, version: int) -> bytes:
    """Return a keyset that withdraws the manifest key."""
    organizer = world.organizer
    plain = open_signed(Kind.KEYSET, organizer.keyset(version), organizer.root, KEYSET)
    keys = tuple(
        msgspec.structs.replace(each, revoked=True) if each.role == "manifest" else each
        for each in plain.keys
    )
    changed = msgspec.structs.replace(plain, keys=keys)
    return seal(Kind.KEYSET, changed, organizer.secret("root"))


def test_a_newer_keyset_leaves_alone_what_it_still_vouches_for(
    open_site: Site, world: World
) -> None:
    """No list is read again for an issuer's key; a withdrawn manifest key takes its list's word."""
    event, taking = world.organizer.event, Taking(open_site.gate)
    book = open_site.gate.held.trust.books[event]
    assert taking.keyset([world.organizer.keyset(2)])
    assert open_site.gate.held.trust.books[event] is book
    assert open_site.gate.held.trust.keys.raw == world.organizer.keyset(2)
    assert taking.keyset([revoking(world, 3)])
    aged = open_site.gate.held.trust.books[event]
    assert aged.rules.age(open_site.gate.clock.now()) is Age.RESTRICTED
    start = first(world)
    edition = after(world, start, [sold(start.table)])
    with pytest.raises(UsherError):
        Tickets(open_site.gate).follow(event, edition.held.raw, edition.log)
    open_site.reopen()
    assert open_site.gate.held.trust.books == {}
    assert open_site.gate.held.trust.keys.keyset is not None
    assert open_site.gate.held.trust.keys.keyset.version == 3


def test_a_command_is_obeyed_once(open_site: Site, world: World) -> None:
    """Its number is on the disk, and neither it nor an older one is obeyed after."""
    taking, me = Taking(open_site.gate), open_site.me.device
    taking.command(world.organizer.command(me, 5, "lock"))
    for _ in range(2):
        assert open_site.gate.held.why_locked() == "locked"
        for number in (4, 5):
            with pytest.raises(Refused, match="command_replayed"):
                taking.command(world.organizer.command(me, number, "unlock"))
        open_site.reopen()
        taking = Taking(open_site.gate)
    with pytest.raises(Untrusted, match="command_other_device"):
        taking.command(world.organizer.command(bytes(16), 6, "wipe"))
    taking.command(world.organizer.command(me, 6, "wipe"))
    assert open_site.gate.held.wiped
    with pytest.raises(NotSetUp):
        taking.roster(world.organizer.roster(2))


def test_events_that_are_over_are_forgotten(open_site: Site, world: World) -> None:
    """A day after their end, and only where the cloud names them no more."""
    event, taking = world.organizer.event, Taking(open_site.gate)
    ends = max(day.end for day in open_site.gate.held.trust.books[event].rules.days)
    open_site.gate.clock.answered((ends + DAY - 10) * 1000, open_site.time.monotonic())
    taking.let_go_of_others(())
    assert event in open_site.gate.held.trust.books
    open_site.time.go(60)
    taking.let_go_of_others({event})
    assert event in open_site.gate.held.trust.books
    taking.let_go_of_others(())
    assert open_site.gate.held.trust.books == {}
    assert taking.sweep() > 0
    assert documents_of(open_site.gate.stores.documents) == {"keyset", "roster"}


def documents_of(documents: DocumentStore) -> set[str]:
    """Return the kinds of documents that are stored."""
    return {kind for kind, _ in documents.all()}
