"""What a gate lacks of others' logs, over real HTTP: all of it, nothing twice, and bounded."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from shared import keys
from shared.bundle import Part, Section
from shared.log.gossip import Key, Mark
from shared.log.record import EMPTY, Kind, record_hash, record_id
from shared.merge.view import View
from tests.cloud.service import Service, good, problem
from tests.cloud.sync.appliance import (
    Appliance,
    Venue,
    about,
    file_of,
    read,
    records_of,
    sections_of,
    token_of,
    view_of_gate,
)
from tests.scribe import EVENT

BADGE = keys.secret_key(b"b" * 32)


@pytest.fixture
def venue(service: Service) -> Venue:
    """A venue of a test's own."""
    return Venue(service)


def booted(venue: Venue, name: str, entries: int = 2) -> Appliance:
    """Return a gate that has let some in."""
    gate = venue.gate(name)
    gate.boot()
    for _ in range(entries):
        gate.scan(venue.scene.ticket())
    return gate


def mark(raw: bytes) -> tuple[Key, Mark]:
    """Return how far one is whose last record this is."""
    place = raw[4:20], int.from_bytes(raw[20:24], "big")
    return place, Mark(int.from_bytes(raw[24:32], "big"), record_hash(raw))


def vector(*raws: bytes) -> dict[Key, Mark]:
    """Return the vector of one who holds logs up to these."""
    return dict(map(mark, raws))


def whole(asker: Appliance, held: dict[Key, Mark]) -> tuple[list[bytes], list[bytes], int]:
    """Ask until there is no more; return records, blobs, and how many answers it took."""
    records: list[bytes] = []
    blobs: list[bytes] = []
    begin, answers = "", 0
    while True:
        answer = asker.ask(held, begin=begin)
        answers += 1
        _, sections = read(answer)
        records += records_of(sections)
        blobs += [content for part, content in sections if part is Part.BLOB]
        if answer.headers.get("usher-more") != "1":
            assert "usher-next" not in answer.headers
            return records, blobs, answers
        begin = answer.headers["usher-next"]


def batches(sections: Iterable[Section]) -> list[bytes]:
    """Return a file's batches."""
    return [content for part, content in sections if part is Part.RECORDS]


def test_a_new_gate_gets_all_and_nothing_the_next_time(venue: Venue) -> None:
    """Whole incarnations, the BOOTs among them; with the cloud's vector it lacks nothing."""
    one, two, asker = booted(venue, "North"), booted(venue, "South"), venue.gate("Club")
    one.send(file_of(one, two))
    cloud, sections = read(asker.ask({}))
    assert sorted(records_of(sections)) == sorted([*one.log, *two.log])
    assert cloud == vector(one.log[-1], two.log[-1])
    again, sections = read(asker.ask(cloud))
    assert (again, sections) == (cloud, [])


def test_what_is_sent_begins_where_the_gate_is(venue: Venue) -> None:
    """Also in the middle of a log; one that is further than the cloud is sent nothing."""
    one, two = booted(venue, "North", 3), booted(venue, "South")
    one.send(file_of(one, two))
    further = Mark(9, bytes(32))
    held = vector(one.log[1]) | {mark(two.log[-1])[0]: further}
    cloud, sections = read(one.ask(held))
    assert records_of(sections) == one.log[2:]
    assert cloud == vector(one.log[-1], two.log[-1])


def test_other_events_logs_are_not_sent(venue: Venue) -> None:
    """But those that the gate named are in the vector: it learns that the cloud has them."""
    one, idle = booted(venue, "North"), booted(venue, "South", 0)
    one.send(file_of(one, idle))
    cloud, sections = read(one.ask({}))
    assert (sorted(cloud), records_of(sections)) == ([mark(one.log[0])[0]], one.log)
    named = vector(idle.log[0])
    cloud, sections = read(one.ask(named))
    assert cloud == named | vector(one.log[-1])
    cloud, sections = read(one.ask({}, events=[os.urandom(8)]))
    assert (cloud, sections) == ({}, [])


def test_a_worker_of_the_clouds_is_a_device_like_any_other(venue: Venue) -> None:
    """Gates hear what was scanned online."""
    import asyncio

    gate, ticket = booted(venue, "North"), venue.scene.ticket()

    async def redeem() -> None:
        async with venue.scene.cloud() as cloud:
            assert (await cloud.redeem(ticket)).code == "admitted"

    asyncio.run(redeem())
    _, sections = read(gate.ask({}))
    assert sorted(records_of(sections)) == sorted(venue.scene.raws())
    assert len(records_of(sections)) >= 2


def test_proofs_come_with_their_records(venue: Venue) -> None:
    """The gate that takes them sees what the cloud sees, byte for byte."""
    venue.badge(BADGE)
    one, two, asker = booted(venue, "North"), booted(venue, "South"), venue.gate("Club")
    ticket = venue.scene.ticket()
    entry = one.scan(ticket)
    token = token_of(ticket)
    leaving = two.put(about(ticket, Kind.OUT, ref=record_id(entry)), token)
    override = two.put(about(venue.scene.ticket(), Kind.OVERRIDE, reason=1), badge=BADGE)
    proofs = list(two.blobs)
    two.put(EMPTY._replace(kind=Kind.ATTACH, ref=record_id(override), reason=3), b"a remark")
    _, taken = one.send(file_of(one, two, blobs=[*two.blobs, b"nobody's"]))
    assert (taken.proofs, taken.attachments, taken.passed_over) == (2, 1, 1)
    _, sections = read(asker.ask({}))
    blobs = [content for part, content in sections if part is Part.BLOB]
    assert sorted(blobs) == sorted(proofs)  # what a guest or a supervisor wrote stays in the cloud
    view = View()
    listed = view_of_gate(one, two, asker)
    view.learn_roster(1, listed._members)
    for raw in (leaving, override):
        view.prove(raw)
    for raw in records_of(sections):
        view.add(raw)
    assert view.summary() == venue.view().summary()


def test_another_history_is_sent_from_its_start(venue: Venue) -> None:
    """Where the cloud does not know the gate's last record, of one length or another; and where
    the cloud knows of two histories, both, each as batches that link."""
    gate = booted(venue, "North", 3)
    twin = gate.twin()
    ends = vector(gate.log[-1])
    gate.scan(venue.scene.ticket())
    for _ in range(2):
        twin.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    _, sections = read(gate.ask(vector(twin.log[0])))  # as long as the cloud's, and another
    assert records_of(sections) == gate.log
    gate.scan(venue.scene.ticket())
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    _, sections = read(gate.ask(vector(twin.log[0])))  # shorter, and another
    assert records_of(sections) == gate.log
    _, sections = read(gate.ask(ends))
    assert records_of(sections) == gate.log[4:]
    gate.send(file_of(sections_of(twin, twin.log)))
    for held in (vector(twin.log[-1]), ends):
        _, sections = read(gate.ask(held))
        assert sorted(records_of(sections)) == sorted([*gate.log, *twin.log])
        common, ours, theirs = b"".join(gate.log[:4]), b"".join(gate.log[4:]), b"".join(twin.log)
        assert batches(sections) in ([common + ours, theirs], [common + theirs, ours])
    cloud, sections = read(gate.ask(vector(gate.log[-1])))
    assert cloud == vector(gate.log[-1])
    assert sorted(records_of(sections)) == sorted([*gate.log, *twin.log])


@pytest.fixture
def later(venue: Venue) -> Iterator[Callable[[int], None]]:
    """Go on to this second of five minutes that are to come."""
    clock = venue.service.clock
    yield lambda second: clock.move(300 - clock().timestamp() % 300 + second)
    clock.offset = timedelta()


def test_who_holds_the_history_that_the_marks_go_by_hears_of_the_other(
    venue: Venue, later: Callable[[int], None]
) -> None:
    """Though nobody can tell that it is lacking: when it is found, and every five minutes."""
    gate = booted(venue, "North", 3)
    twin = gate.twin()
    gate.scan(venue.scene.ticket())
    gate.scan(venue.scene.ticket())
    twin.scan(venue.scene.ticket())
    both = sorted([*gate.log, twin.log[-1]])
    gate.send(file_of(gate))
    upto = vector(gate.log[-1])
    assert read(gate.ask(upto)) == (upto, [])
    later(30)  # in no window but that of the discovery
    twin.send(file_of(twin))
    assert sorted(set(records_of(read(gate.ask(upto))[1]))) == both
    later(100)
    assert read(gate.ask(upto)) == (upto, [])
    later(3)
    assert sorted(set(records_of(read(gate.ask(upto))[1]))) == both


def test_a_long_log_comes_in_pieces(venue: Venue) -> None:
    """Each answer at most 2 MiB; also where two histories are begun anew, by `Usher-Next`."""
    gate = booted(venue, "North", 0)
    twin = gate.twin()
    for each, many in ((gate, 3000), (twin, 2500)):
        for ticket in venue.scene.tickets(many):
            each.scan(ticket)
    gate.send(file_of(gate))
    gate.send(file_of(sections_of(twin, twin.log)))
    records, _, answers = whole(gate, vector(twin.log[-1]))
    assert answers == 2
    assert sorted(set(records)) == sorted([*gate.log, *twin.log])


def test_a_device_asks_in_the_declared_form(venue: Venue) -> None:
    """A vector that is none, events that are none, too many of them; a revoked device, nobody."""
    gate = booted(venue, "North")
    ref = EVENT.hex()
    path = f"/sync/gossip?events={ref}"
    assert problem(gate.post(path, b"x" * 59)) == (400, "wire_vector")
    entry = gate.device + bytes(12) + bytes(32)
    assert problem(gate.post(path, entry * 2)) == (400, "wire_vector")
    assert problem(gate.post(path, bytes(60 * 65_537)))[0] == 413
    for events in ("", "xyz", ref[:-1], ref.upper() + "G", ",".join([ref] * 257)):
        assert gate.post(f"/sync/gossip?events={events}", b"").status_code == 400
    assert problem(gate.post(f"{path}&from=x", b"")) == (400, "cursor_malformed")
    far = gate.device + b"\xff" * 12 + bytes(32)
    assert gate.post(path, far).status_code == 200
    good(venue.owner.post(f"{venue.path}/devices/{gate.device.hex()}/revoke", json={}))
    assert problem(gate.post(path, b""))[1] == "request_revoked_device"
    assert venue.http.post(venue.path + path, content=b"").status_code == 401


def test_any_number_of_histories_at_one_place_come_to_an_end(venue: Venue) -> None:
    """A cloned device writes more records at one place than an answer takes: each is sent, and
    each question goes on behind the one before it."""
    gate = booted(venue, "North", 0)
    forks = []
    for ticket in venue.scene.tickets(4500):
        twin = gate.twin()
        forks.append(twin.scan(ticket))
    pieces = [Section(Part.RECORDS, b"".join(forks[at : at + 200])) for at in range(0, 4500, 200)]
    _, taken = gate.send(file_of(gate, [Section(Part.DEVICE, gate.public), *pieces]))
    assert taken.devices[0].new == 4501
    asker = venue.gate("South")
    records: list[bytes] = []
    begin, places = "", []
    while True:
        answer = asker.ask({}, begin=begin)
        records += records_of(read(answer)[1])
        if answer.headers.get("usher-more") != "1":
            break
        begin = answer.headers["usher-next"]
        places.append(begin)
        assert len(places) < 4
    assert sorted(records) == sorted([*gate.log, *forks])
