"""Log files over real HTTP: whose records ever, in any pieces, once, and with a signed receipt."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Final

import pytest

from shared import hashing, keys
from shared.bundle import FileKind, Part, Section
from shared.log.record import EMPTY, Kind, record_hash, record_id
from shared.merge.incidents import Incident
from shared.wire import FileTaken
from tests.cloud.checkins.scene import word
from tests.cloud.database import awaited
from tests.cloud.service import Service, good, problem
from tests.cloud.sync.appliance import (
    OCTETS,
    Appliance,
    Venue,
    about,
    file_of,
    sections_of,
    token_of,
    view_of_gate,
)
from tests.cloud.waiting import holding
from tests.scribe import root

BADGE = keys.secret_key(b"b" * 32)


@pytest.fixture
def venue(service: Service) -> Venue:
    """A venue of a test's own."""
    return Venue(service)


@pytest.fixture
def gate(venue: Venue) -> Appliance:
    """A gate that has let two in."""
    gate = venue.gate("North")
    gate.boot()
    for _ in range(2):
        gate.scan(venue.scene.ticket())
    return gate


def kept(venue: Venue) -> list[bytes]:
    """Return what is really there."""
    return sorted(venue.scene.raws())


def test_a_file_is_kept_once_and_its_receipt_says_how_far(gate: Appliance) -> None:
    """New, then known; the receipt opens, and names the last record's hash both times."""
    receipt, taken = gate.send(file_of(gate))
    (mark,) = receipt.marks
    assert mark.device == gate.device.hex()
    assert (mark.incarnation, mark.seq) == (1, 3)
    assert mark.hash == record_hash(gate.log[-1]).hex()
    (mine,) = taken.devices
    assert (mine.device, mine.listed) == (gate.device.hex(), True)
    assert (mine.new, mine.known, mine.quarantined, mine.broken) == (3, 0, 0, ())
    again, taken = gate.send(file_of(gate))
    assert again.marks == receipt.marks
    assert (taken.devices[0].new, taken.devices[0].known) == (0, 3)
    assert kept(gate.venue) == sorted(gate.log)


def test_a_neighbour_sends_what_it_heard(venue: Venue, gate: Appliance) -> None:
    """Several devices in one file, one of them revoked, one unknown: it alone is passed over."""
    other, gone, stranger = (
        venue.gate("South"), venue.gate("East"), venue.gate("stolen", listed=False),
    )  # fmt: skip
    for each in (other, gone, stranger):
        each.boot()
        each.scan(venue.scene.ticket())
    path = f"{venue.path}/devices/{gone.device.hex()}/revoke"
    good(venue.owner.post(path, json={"incarnation": 1, "seq": 1}))
    receipt, taken = other.send(file_of(other, stranger, gate, gone))
    told = {each.device: each for each in taken.devices}
    assert not told[stranger.device.hex()].listed
    assert [told[each.device.hex()].new for each in (other, gate, gone)] == [2, 3, 2]
    assert told[gone.device.hex()].quarantined == 1  # behind its cutoff
    assert {mark.device for mark in receipt.marks} == {
        each.device.hex() for each in (other, gate, gone)
    }
    assert kept(venue) == sorted([*other.log, *gate.log, *gone.log])
    assert gone.send(file_of(gone))[1].devices[0].known == 2  # a revoked device may still send


def test_the_order_of_files_changes_nothing(venue: Venue, gate: Appliance) -> None:
    """Halves first, last, twice: what waits says so, and counts once the gap is closed."""
    gate.boot()
    gate.scan(venue.scene.ticket())
    pieces = [gate.log[:2], gate.log[2:3], gate.log[3:]]
    receipt, taken = gate.send(file_of(sections_of(gate, pieces[1])))
    assert (receipt.marks, taken.devices[0].quarantined) == ((), 1)
    for order in list(permutations(pieces))[:3]:
        for piece in order:
            receipt, _ = gate.send(file_of(sections_of(gate, piece)))
    assert [(mark.incarnation, mark.seq) for mark in receipt.marks] in ([(1, 3)], [(2, 2)])
    assert venue.view().summary() == view_of_gate(gate).summary()
    waiting = venue.scene.rows(
        "SELECT 1 FROM record_waiting WHERE tenant_id = $1", venue.scene.tenant
    )
    assert waiting == []


def test_neighbours_that_send_the_same_at_once_wait_for_each_other(venue: Venue) -> None:
    """Each with all logs, in another order: nobody is refused, and every record is new once."""
    gates = [venue.gate(name) for name in ("North", "South", "East", "Club")]
    tickets = venue.scene.tickets(40)
    for gate in gates:
        gate.boot()
        for ticket in tickets:
            gate.scan(ticket)
    files = [file_of(*gates[n:], *gates[:n]) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        every = list(pool.map(lambda gate, file: gate.send(file), gates, files))
    told = [each for _, taken in every for each in taken.devices]
    assert sum(each.new for each in told) == 4 * 41
    assert sum(each.known for each in told) == 3 * 4 * 41
    assert len({receipt.marks for receipt, _ in every}) == 1
    assert kept(venue) == sorted(raw for gate in gates for raw in gate.log)


def test_what_nobody_vouches_for_locks_nobodys_log(venue: Venue, gate: Appliance) -> None:
    """Signatures are checked before: records that somebody made up hold up no other upload."""
    other = venue.gate("South")
    other.boot()
    forged = other.log[0][:-1] + bytes([other.log[0][-1] ^ 1])

    async def sent() -> FileTaken:
        async with holding(venue.service) as conn:
            sql = "SELECT FROM device WHERE tenant_id = $1 FOR UPDATE"
            await conn.execute(sql, venue.scene.tenant)
            file = file_of(sections_of(other, [forged]))
            return (await asyncio.to_thread(gate.send, file))[1]

    (told,) = awaited(sent()).devices
    assert (told.listed, told.new, told.broken[0].fault) == (True, 0, "bad_signature")


def test_what_breaks_off_ends_its_batch_alone(venue: Venue, gate: Appliance) -> None:
    """A forged record in one batch, another device's in the next, half a one after; and one
    that is whole."""
    other = venue.gate("South")
    other.boot()
    forged = bytearray(gate.log[1])
    forged[100] ^= 1
    gate.boot()
    batches = [
        gate.log[0] + bytes(forged) + gate.log[2],
        gate.log[0] + other.log[0],
        gate.log[0] + gate.log[1][:100],
        gate.log[3],
    ]
    sections = [Section(Part.DEVICE, gate.public)]
    sections += [Section(Part.RECORDS, batch) for batch in batches]
    _, taken = gate.send(file_of(sections))
    broken = [(each.batch, each.at, each.fault) for each in taken.devices[0].broken]
    assert broken == [(0, 1, "bad_signature"), (1, 1, "foreign"), (2, 1, "truncated")]
    assert kept(venue) == sorted([gate.log[0], gate.log[3]])


def test_two_histories_are_both_kept(venue: Venue, gate: Appliance) -> None:
    """And the receipt marks one of them: the longer, or of two equal ones the same in any order."""
    twin = gate.twin()
    gate.scan(venue.scene.ticket())
    twin.scan(venue.scene.ticket())
    marks = []
    for first, second in ((gate, twin), (twin, gate)):
        gate.send(file_of(sections_of(first)))
        receipt, _ = gate.send(file_of(sections_of(second)))
        marks.append(receipt.marks[0].hash)
    lower = min(record_hash(gate.log[-1]), record_hash(twin.log[-1]))
    assert marks == [lower.hex()] * 2
    assert kept(venue) == sorted([*gate.log, twin.log[-1]])
    found = [each.kind for each in venue.view().findings()]
    assert found == [Incident.EQUIVOCATION]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda file: file[:-1], "file_truncated"),
        (lambda file: file[:300], "file_truncated"),
        (lambda file: file + b"\0", "file_longer"),
        (lambda file: file[:200] + bytes((file[200] ^ 1,)) + file[201:], "file_damaged"),
        (lambda file: b"PK" + file[2:], "file_magic"),
        (lambda _: b"", "file_magic"),
        (lambda file: file[:4] + b"\2" + file[5:], "file_version"),
        (lambda file: file[:5] + b"\7" + file[6:], "file_kind"),
        (lambda _: file_of(kind=FileKind.PRELOAD), "file_kind"),
        (lambda _: file_of([Section(Part.RECORDS, bytes(256))]), "file_section"),
        (lambda _: file_of([Section(Part.DEVICE, bytes(31))]), "file_section"),
        (lambda _: file_of([Section(Part.STAMP, bytes(92))]), "file_section"),
        (lambda _: file_of(blobs=[b""] * 40_000), "file_section"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_as_a_whole(
    gate: Appliance, spoil: Callable[[bytes], bytes], code: str
) -> None:
    """Nothing of it is kept."""
    answer = gate.post("/logs", spoil(file_of(gate)))
    assert problem(answer) == (400, code)
    assert kept(gate.venue) == []


def test_a_file_beyond_the_cap_is_refused(gate: Appliance) -> None:
    """Before anything of it is read."""
    assert problem(gate.post("/logs", bytes((4 << 20) + 1))) == (413, "body_too_large")


def test_only_a_device_sends_and_no_request_is_good_twice(gate: Appliance) -> None:
    """A replayed one, one over another body, a stranger's, and an account's."""
    http, path, body = gate.venue.http, gate.venue.path + "/logs", file_of(gate)
    headers = gate.headers("POST", "/logs", body) | {"content-type": OCTETS}
    assert problem(http.post(path, content=body + b"x", headers=headers))[1] == (
        "request_bad_signature"
    )
    assert http.post(path, content=body, headers=headers).status_code == 200
    replayed = http.post(path, content=body, headers=headers)
    assert problem(replayed) == (401, "request_replayed")
    stranger = gate.venue.gate("stolen", listed=False)
    assert problem(stranger.post("/logs", body))[1] == "request_unknown_device"
    assert problem(gate.venue.owner.post(path, content=body))[0] == 401


def test_another_tenants_device_is_nobody_here(service: Service, gate: Appliance) -> None:
    """Its records are passed over, and it may not send."""
    elsewhere = Venue(service).gate("Elsewhere")
    elsewhere.boot()
    _, taken = gate.send(file_of(elsewhere))
    assert not taken.devices[0].listed
    elsewhere.venue = gate.venue
    assert problem(elsewhere.post("/logs", file_of(gate)))[1] == "request_unknown_device"
    assert kept(gate.venue) == []


def test_a_code_that_comes_late_closes_anothers_entry(venue: Venue, gate: Appliance) -> None:
    """The exit waits for its proof; once it is here, everybody sees the guest gone."""
    other = venue.gate("South")
    other.boot()
    ticket = venue.scene.ticket()
    entry = gate.scan(ticket)
    token = token_of(ticket)
    leaving = other.put(about(ticket, Kind.OUT, ref=record_id(entry)), token)
    gate.send(file_of(gate, other, blobs=[token_of(venue.scene.ticket())]))
    summary = venue.view().summary()
    assert summary.unproved == (record_id(leaving),)
    _, taken = other.send(file_of(blobs=[token]))
    assert (taken.proofs, taken.passed_over) == (1, 0)
    assert venue.view().summary() == view_of_gate(gate, other, proved=[leaving]).summary()
    assert venue.view().summary() != summary
    _, again = gate.send(file_of(blobs=[token, b"nonsense"]))
    assert (again.proofs, again.passed_over) == (0, 1)


def test_a_code_that_is_here_proves_what_names_it_later(venue: Venue, gate: Appliance) -> None:
    """A second exit by the same code is proved without it being sent again, and so is what a
    device that was sent one of the records says to others."""
    other = venue.gate("South")
    other.boot()
    ticket = venue.scene.ticket()
    entry = gate.scan(ticket)
    token = token_of(ticket)
    first = gate.put(about(ticket, Kind.OUT, ref=record_id(entry)), token)
    gate.send(file_of(gate, blobs=[token]))
    second = other.put(about(ticket, Kind.OUT, ref=record_id(first)), token)
    other.send(file_of(other))
    proofs = venue.scene.rows(
        "SELECT record_id FROM proof WHERE tenant_id = $1", venue.scene.tenant
    )
    assert {row["record_id"] for row in proofs} == {record_id(first), record_id(second)}
    proved = [first, second]
    assert venue.view().summary() == view_of_gate(gate, other, proved=proved).summary()
    lying = about(ticket, Kind.OUT, ref=record_id(first))._replace(gen=7)
    other.put(lying, token)  # of another generation than the code's: it proves nothing
    other.send(file_of(other))
    assert venue.view().summary().unproved == (record_id(other.log[-1]),)


def test_a_supervisors_word_that_comes_late_frees_the_ticket(venue: Venue, gate: Appliance) -> None:
    """An ANNUL of another's entry counts with its countersignature alone, and settles the state."""
    venue.badge(BADGE)
    other = venue.gate("South")
    other.boot()
    ticket = venue.scene.ticket()
    entry = gate.scan(ticket)
    record = about(ticket, Kind.ANNUL, ref=record_id(entry))._replace(allowance=0, terms=0)
    other.put(record, badge=BADGE)
    gate.send(file_of(gate, other))
    assert venue.scene.state(ticket) == "used"
    before = venue.scene.rows(
        "SELECT sum(records) AS n FROM log_count WHERE tenant_id = $1", venue.scene.tenant
    )
    _, taken = gate.send(file_of(blobs=other.blobs))
    assert taken.proofs == 1
    assert venue.scene.state(ticket) == "active"
    after = venue.scene.rows(
        "SELECT sum(records) AS n FROM log_count WHERE tenant_id = $1", venue.scene.tenant
    )
    assert after[0]["n"] > before[0]["n"]


@pytest.mark.parametrize("forger", ["scan", None])
def test_whose_badge_it_is_not_proves_nothing(
    venue: Venue, gate: Appliance, forger: str | None
) -> None:
    """A scanner's, or one that nobody knows."""
    if forger:
        venue.badge(BADGE, forger)
    ticket = venue.scene.ticket()
    record = about(ticket, Kind.OVERRIDE, reason=1)
    gate.put(record, badge=BADGE)
    _, taken = gate.send(file_of(gate, blobs=gate.blobs))
    assert (taken.proofs, taken.passed_over) == (0, 1)
    assert [each.kind for each in venue.view().findings()] == [Incident.UNPROVED_OVERRIDE]


def test_a_withdrawn_badge_proves_no_more_than_at_a_gate(venue: Venue, gate: Appliance) -> None:
    """What was written after its withdrawal is not proved, although it was when it came."""
    venue.badge(BADGE)
    record = about(venue.scene.ticket(), Kind.OVERRIDE, reason=1)
    gate.put(record, badge=BADGE)
    _, taken = gate.send(file_of(gate, blobs=gate.blobs))
    assert taken.proofs == 1
    assert venue.view().findings() == []
    at = gate.clock // 1000 - 60
    venue.scene.run(
        f"""
        SELECT set_config('app.tenant', '{venue.scene.tenant}', false);
        UPDATE badge SET revoked_at = to_timestamp({at});
        """
    )
    assert [each.kind for each in venue.view().findings()] == [Incident.UNPROVED_OVERRIDE]


def test_what_a_guest_answered_is_kept_with_the_ticket(venue: Venue, gate: Appliance) -> None:
    """By the ATTACH that names it, beside the entry that this names; nowhere without them."""
    ticket = venue.scene.ticket()
    entry = gate.scan(ticket)
    answer = b'{"1": "yes"}'
    gate.put(EMPTY._replace(kind=Kind.ATTACH, ref=record_id(entry), reason=1), answer)
    _, taken = gate.send(file_of(blobs=[answer]))
    assert (taken.attachments, taken.passed_over) == (0, 1)
    _, taken = gate.send(file_of(gate, blobs=[answer]))
    assert (taken.attachments, taken.passed_over) == (1, 0)
    (row,) = venue.scene.rows(
        "SELECT ticket, body FROM attachment WHERE tenant_id = $1", venue.scene.tenant
    )
    assert (row["ticket"], row["body"]) == (hashing.id_hash(ticket.bytes), answer)
    gate.put(EMPTY._replace(kind=Kind.ATTACH, ref=record_id(entry), reason=1), answer)
    _, taken = gate.send(file_of(gate, blobs=[answer]))
    assert (taken.attachments, taken.passed_over) == (0, 0), "the same content of one ticket"


def test_a_boot_that_forgets_the_event_is_found(venue: Venue) -> None:
    """Its incarnation wrote nothing of the event: the cloud sees it as any gate does."""
    gate = venue.gate("North")
    gate.boot()
    before = gate.head
    gate.scan(venue.scene.ticket())
    gate.boot(prev=before)
    gate.send(file_of(gate))
    found = [each.kind for each in venue.view().findings()]
    assert found == [Incident.LOG_TRUNCATED]
    assert venue.view().summary() == view_of_gate(gate).summary()


def test_what_is_told_of_other_events_in_the_same_log_is_true(venue: Venue) -> None:
    """The same log has an override of another event: proved there, and so not unproved here."""
    venue.badge(BADGE)
    gate = venue.gate("North")
    gate.boot()
    gate.scan(venue.scene.ticket())
    elsewhere = about(venue.scene.ticket(), Kind.OVERRIDE, reason=1)._replace(event=b"arena-02")
    proved = gate.put(elsewhere, badge=BADGE)
    gate.send(file_of(gate, blobs=gate.blobs))
    assert venue.view().summary() == view_of_gate(gate, proved=[proved]).summary()
    assert venue.view().findings() == []


def test_records_rise_with_whatever_came_in(venue: Venue, gate: Appliance) -> None:
    """Also with what waits, and with a second history, which move no log's end."""

    def count() -> int:
        return int(gate.get("/sync").json()["records"])

    seen = [count()]
    twin = gate.twin()
    twin.scan(venue.scene.ticket())
    gate.scan(venue.scene.ticket())
    for file in (
        file_of(sections_of(gate, gate.log[1:2])),  # waits
        file_of(gate),
        file_of(sections_of(twin, twin.log)),
    ):
        gate.send(file)
        seen.append(count())
    assert seen == sorted(set(seen))
    gate.send(file_of(gate))
    assert count() == seen[-1]


# What is still to come into a table the planner can't know, and it may think a full one empty.
UNKNOWN: Final = """
    DO $$ DECLARE part regclass; BEGIN
        FOR part IN SELECT oid FROM pg_class WHERE relkind = 'r'
                       AND (relname = 'proof' OR relname ~ '^record_?[0-9]*$') LOOP
            EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', part);
        END LOOP;
    END $$
"""


@pytest.fixture(scope="module")
def crowd(service: Service) -> tuple[Venue, list[Appliance]]:
    """Four gates with 12,500 entries each, and a database that has not counted its rows."""
    service.database.run(UNKNOWN)
    venue = Venue(service)
    tickets = venue.scene.tickets(50_000)
    gates = [venue.gate(f"Gate {n}") for n in range(4)]
    for n, gate in enumerate(gates):
        gate.boot()
        for ticket in tickets[n * 12_500 : (n + 1) * 12_500 - 1]:
            gate.scan(ticket, ref=root(word(ticket)))
    return venue, gates


def test_fifty_thousand_records_are_stored_in_seconds(crowd: tuple[Venue, list[Appliance]]) -> None:
    """In four files, as from four gates that were cut off all evening."""
    venue, gates = crowd
    files = [file_of(gate) for gate in gates]
    began = time.monotonic()
    for gate, file in zip(gates, files, strict=True):
        _, taken = gate.send(file)
        assert taken.devices[0].new == 12_500
    took = time.monotonic() - began
    rows = venue.scene.rows(
        "SELECT count(*) AS n FROM ticket WHERE tenant_id = $1 AND state = 'used'",
        venue.scene.tenant,
    )
    assert rows[0]["n"] == 4 * 12_499
    assert took < 60  # 5 on an idle machine; by one statement a record it would be many minutes
