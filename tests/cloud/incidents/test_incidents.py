"""Incidents over real HTTP: found from what gates sent, settled by people, told to gates."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import permutations
from typing import Any

import msgspec
import pytest

from cloud.checkins.tallies import Counts, Tallies
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.incidents import evidence, reading
from cloud.incidents.kept import Kept
from cloud.incidents.merging import merge
from cloud.incidents.model import Subject
from shared import keys
from shared.log.record import Kind, record_id
from shared.wire import IncidentNote, unframed
from tests.cloud.checkins.scene import Cloud
from tests.cloud.service import Service, good, problem
from tests.cloud.sync.appliance import Appliance, Venue, about, file_of, sections_of, token_of
from tests.scribe import EVENT
from tests.vectors.spec import examples

BADGE = keys.secret_key(b"b" * 32)


@pytest.fixture
def venue(service: Service) -> Venue:
    """A venue of a test's own."""
    return Venue(service)


def booted(venue: Venue, name: str) -> Appliance:
    """Return a gate that has begun its log."""
    gate = venue.gate(name)
    gate.boot()
    return gate


def incidents(venue: Venue, **asked: Any) -> list[Any]:
    """Return what the owner sees, once everything was merged."""
    venue.service.work()
    found: list[Any] = good(venue.owner.get(f"{venue.path}/incidents", params=asked))["items"]
    return found


def detail(venue: Venue, incident: str) -> Any:
    """Return one with its evidence."""
    return good(venue.owner.get(f"{venue.path}/incidents/{incident}"))


def decide(venue: Venue, incident: str, **said: Any) -> Any:
    """Settle one."""
    return good(venue.owner.post(f"{venue.path}/incidents/{incident}/decide", json=said))


def notes(gate: Appliance, after: int = 0) -> list[IncidentNote]:
    """Return what a gate is told."""
    answer = gate.get(f"/sync/incidents?after={after}")
    assert answer.status_code == 200, answer.text
    return [msgspec.json.decode(part, type=IncidentNote) for part in unframed(answer.content, 500)]


def counts(venue: Venue) -> Any:
    """Return how the event goes."""
    return good(venue.owner.get(f"{venue.path}/events/{venue.scene.event}/checkins/counts"))


def revoke(venue: Venue, gate: Appliance, **cutoff: int) -> None:
    """Take a gate's word away."""
    good(venue.owner.post(f"{venue.path}/devices/{gate.device.hex()}/revoke", json=cutoff))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_copy_at_two_gates_is_one_incident_in_either_order(
    venue: Venue, order: tuple[int, int]
) -> None:
    """Two gates that hear nothing of each other let the same ticket in: one admission too many,
    one incident with both records, and both gates hear of it."""
    ticket, honest = venue.scene.ticket(), venue.scene.ticket()
    gates = [booted(venue, "North"), booted(venue, "South")]
    entries = [gates[0].scan(ticket, gate=1), gates[1].scan(ticket, gate=2)]
    gates[0].scan(honest)
    for at in order:
        gates[at].send(file_of(gates[at]))
    (found,) = incidents(venue)
    assert (found["kind"], found["state"], found["records"]) == ("double_admission", "open", 2)
    assert (found["ticket_id"], found["event_id"]) == (str(ticket), str(venue.scene.event))
    assert found["gates"] == [1, 2]
    shown = detail(venue, found["incident"])["evidence"]
    assert {each["raw"] for each in shown} == {raw.hex() for raw in entries}
    assert {(each["device_name"], each["gate_name"]) for each in shown} == {
        ("North", "North"), ("South", "South"),
    }  # fmt: skip
    assert all(each["signed"] and each["counts"] for each in shown)
    seen = counts(venue)
    assert (seen["entered"], seen["inside"]) == (3, 3)
    for gate in gates:
        (note,) = notes(gate)
        assert (note.kind, note.state, note.ticket) == (
            "double_admission", "open", found["ticket"],
        )  # fmt: skip
        assert gate.device.hex() in note.devices
        assert note.event == EVENT.hex()
        assert gate.get("/sync").json()["incidents"] == note.number


def test_a_gate_hears_of_what_its_own_records_belong_to(venue: Venue) -> None:
    """And of when that was found; whoever stole another one reads nothing of it."""
    ticket = venue.scene.ticket()
    one, two, other = (booted(venue, name) for name in ("North", "South", "East"))
    other.scan(venue.scene.ticket())
    for gate in (one, two):
        gate.scan(ticket)
    one.send(file_of(one, two, other))
    (found,) = incidents(venue)
    (note,) = notes(two)
    at = datetime.fromisoformat(found["found_at"]).timestamp()
    assert (note.incident, note.found) == (found["incident"], int(at * 1000))
    assert notes(other) == []
    assert other.get("/sync").json()["incidents"] == note.number


def test_however_many_are_concerned_each_is_told() -> None:
    """Of 66 gates that let the same guest in a note names 64, the one that reads it among them."""
    raws = [bytes(4) + bytes([n]) * 16 + bytes(236) for n in range(66)]
    devices = evidence._evidence(raws).devices
    assert len(devices) == 66
    row: dict[str, Any] = {
        "number": 1, "event_ref": EVENT, "incident_id": bytes(16), "kind": "double_admission",
        "found_at": datetime.now(UTC), "ticket": bytes(16), "state": "open", "resolved_at": None,
        "gates": [1], "devices": list(devices),
    }  # fmt: skip
    for device in devices:
        note = reading._note(row, device)
        assert len(note.devices) == 64
        assert device.hex() in note.devices


def test_an_incident_is_called_as_the_page_says() -> None:
    """Its id is made of what it is about."""
    shown = examples("sync.md")
    device = bytes.fromhex("f8146db7c9d2d1cf503a38378a305f9b")
    about = Subject("equivocation", bytes(8), bytes(16), bytes(16), device, 1, 2)
    assert sha256(shown["incident"]).digest()[:16] == shown["incident_id"] == about.id


def test_an_exit_that_arrives_late_makes_it_a_note(venue: Venue) -> None:
    """The second guest may be the first, who had left by a gate that was cut off: the accusation
    is withdrawn, and kept; what is left is an `unseen_exit`."""
    ticket = venue.scene.ticket()
    one, two, three = (booted(venue, name) for name in ("North", "South", "Club"))
    entry = one.scan(ticket)
    two.scan(ticket)
    token = token_of(ticket)
    leaving = three.put(about(ticket, Kind.OUT, ref=record_id(entry)), token)
    one.send(file_of(one, two))
    (found,) = incidents(venue)
    assert found["kind"] == "double_admission"
    one.send(file_of(three, blobs=[token]))
    (left,) = incidents(venue, state="open")
    assert (left["kind"], left["records"]) == ("unseen_exit", 3)
    (gone,) = incidents(venue, state="resolved")
    assert gone["incident"] == found["incident"]
    assert {each.kind: each.state for each in notes(one)} == {
        "double_admission": "resolved", "unseen_exit": "open",
    }  # fmt: skip
    shown = detail(venue, left["incident"])["evidence"]
    assert {each["record"]: each["proved"] for each in shown}[record_id(leaving).hex()]


def test_an_entry_taken_back_resolves_its_incident(venue: Venue) -> None:
    """A later merge has it no more: it is kept, marked, and told; a decision stands."""
    ticket = venue.scene.ticket()
    one, two = booted(venue, "North"), booted(venue, "South")
    one.scan(ticket)
    entry = two.scan(ticket)
    one.send(file_of(one, two))
    (found,) = incidents(venue)
    decide(venue, found["incident"], state="explained", note="A slip")
    (first,) = notes(one)
    assert first.state == "explained"
    two.scan(ticket, Kind.ANNUL, record_id(entry))
    two.send(file_of(two))
    assert incidents(venue, state="open") == []
    (gone,) = incidents(venue, state="resolved")
    assert gone["incident"] == found["incident"]
    assert gone["state"] == "explained"
    (last,) = notes(one)
    assert (last.state, last.incident) == ("resolved", first.incident)
    assert last.number > first.number
    assert notes(one, last.number) == []


def test_who_decided_is_written_down(venue: Venue) -> None:
    """By whom, when and why; the audit has it too, and devices hear the state without the note."""
    ticket = venue.scene.ticket()
    gates = [booted(venue, "North"), booted(venue, "South")]
    for gate in gates:
        gate.scan(ticket)
    gates[0].send(file_of(*gates))
    (found,) = incidents(venue)
    said = decide(venue, found["incident"], state="confirmed", note="Sold twice on a market")
    actor = f"account:{venue.owner.account_id}"
    assert (said["state"], said["note"]) == ("confirmed", "Sold twice on a market")
    assert said["decided_by"] == actor
    assert said["decided_at"]
    path = f"{venue.path}/audit?action=incident.decided"
    (act,) = good(venue.owner.get(path))["items"]
    assert (act["actor"], act["subject"]) == (actor, f"incident:{found['incident']}")
    assert "market" not in str(act)
    assert [note.state for note in notes(gates[1])] == ["confirmed"]
    gates[0].scan(venue.scene.ticket())
    gates[0].send(file_of(gates[0]))
    (still,) = incidents(venue, state="confirmed")
    assert still["note"] == "Sold twice on a market"
    assert incidents(venue, state="open") == []
    assert decide(venue, found["incident"], state="open")["state"] == "open"


def test_a_ticket_revoked_meanwhile_is_an_incident_of_its_own(venue: Venue) -> None:
    """The gate had not heard of it. The merge hears of a later revocation by itself, too."""
    before, after = venue.scene.ticket(), venue.scene.ticket(state="revoked")
    gate = booted(venue, "North")
    gate.scan(before)
    gate.scan(after)
    gate.send(file_of(gate))
    assert [each["ticket_id"] for each in incidents(venue)] == [str(after)]
    path = f"{venue.path}/events/{venue.scene.event}/tickets/{before}/revoke"
    answer = venue.owner.post(path, json={"reason": "charged back"})
    if answer.status_code == 409:  # used: only the organizer's superuser can, here in one go
        venue.scene.run(
            f"""
            SELECT set_config('app.tenant', '{venue.scene.tenant}', false),
                   set_config('app.actor', 'test', false), set_config('app.move', 'revoke', false);
            UPDATE ticket SET state = 'revoked' WHERE ticket_id = '{before}';
            """
        )
    found = incidents(venue, kind="revoked_admission")
    assert {each["ticket_id"] for each in found} == {str(before), str(after)}


def test_a_device_revoked_with_a_queue_leaves_records_aside(venue: Venue) -> None:
    """What it wrote behind its cutoff, whoever brings it, counts nowhere and is one incident."""
    gate, neighbour = booted(venue, "North"), booted(venue, "South")
    for _ in range(3):
        gate.scan(venue.scene.ticket())
    gate.send(file_of(sections_of(gate, gate.log[:2])))
    revoke(venue, gate)
    gate.send(file_of(sections_of(gate, gate.log[2:3])))
    neighbour.send(file_of(gate))
    (found,) = incidents(venue)
    assert (found["kind"], found["records"]) == ("quarantined", 2)
    assert found["device"] == gate.device.hex()
    shown = detail(venue, found["incident"])["evidence"]
    assert [each["raw"] for each in shown] == [raw.hex() for raw in gate.log[2:]]
    assert not any(each["counts"] for each in shown)
    assert counts(venue)["entered"] == 1
    assert [each["incident"] for each in incidents(venue, event_id=str(venue.scene.event))] == [
        found["incident"]
    ]
    revoke(venue, gate, incarnation=1, seq=4)  # a later word: they count after all
    assert incidents(venue, state="open") == []
    assert counts(venue)["entered"] == 3


def test_two_histories_are_exactly_one_incident(venue: Venue) -> None:
    """At one place, with both records, however often they are sent; guests of both count."""
    gate = booted(venue, "North")
    twin = gate.twin()
    gate.scan(venue.scene.ticket())
    twin.scan(venue.scene.ticket())
    for each in (gate, twin, gate, twin):
        gate.send(file_of(sections_of(each)))
        venue.service.work()
    (found,) = incidents(venue)
    assert (found["kind"], found["records"], found["seq"]) == ("equivocation", 2, 2)
    assert found["event_id"] is None
    shown = detail(venue, found["incident"])["evidence"]
    assert {each["raw"] for each in shown} == {gate.log[-1].hex(), twin.log[-1].hex()}
    assert counts(venue)["entered"] == 2


def test_a_boot_that_forgets_is_shown_with_what_it_forgot(venue: Venue) -> None:
    """The BOOT, and the record that followed the same one before."""
    gate = booted(venue, "North")
    before = gate.head
    forgotten = gate.scan(venue.scene.ticket())
    boot = gate.boot(prev=before)
    gate.send(file_of(gate))
    (found,) = incidents(venue)
    assert found["kind"] == "log_truncated"
    shown = detail(venue, found["incident"])["evidence"]
    assert [each["raw"] for each in shown] == [boot.hex(), forgotten.hex()]


def test_a_proof_that_comes_late_withdraws_an_override(venue: Venue) -> None:
    """Without its badge it is an incident; with it, none."""
    venue.badge(BADGE)
    gate = booted(venue, "North")
    gate.put(about(venue.scene.ticket(), Kind.OVERRIDE, reason=1), badge=BADGE)
    gate.send(file_of(gate))
    assert [each["kind"] for each in incidents(venue, state="open")] == ["unproved_override"]
    gate.send(file_of(blobs=gate.blobs))
    assert incidents(venue, state="open") == []
    assert len(incidents(venue, state="resolved")) == 1


def test_a_gap_that_is_closed_by_a_record_of_no_event_is_merged(venue: Venue) -> None:
    """What waited for the BOOT counts once that is here."""
    gate = booted(venue, "North")
    gate.scan(venue.scene.ticket())
    gate.send(file_of(sections_of(gate, gate.log[1:])))
    assert [each["kind"] for each in incidents(venue, state="open")] == ["quarantined"]
    assert counts(venue)["entered"] == 0
    gate.send(file_of(sections_of(gate, gate.log[:1])))
    assert incidents(venue, state="open") == []
    assert counts(venue)["entered"] == 1


def test_what_online_scans_wrote_is_merged_alike(venue: Venue) -> None:
    """A worker and a gate that let the same ticket in are one incident."""
    ticket = venue.scene.ticket()
    gate = booted(venue, "North")
    gate.scan(ticket)

    async def redeem() -> None:
        async with venue.scene.cloud() as cloud:
            assert isinstance(cloud, Cloud)
            assert (await cloud.redeem(ticket)).code == "admitted"

    asyncio.run(redeem())
    gate.send(file_of(gate))
    (found,) = incidents(venue)
    assert (found["kind"], found["records"]) == ("double_admission", 2)
    assert sorted(each["online"] for each in detail(venue, found["incident"])["evidence"]) == [
        False, True,
    ]  # fmt: skip


def test_counts_come_from_the_view_and_say_so_at_once(venue: Venue) -> None:
    """By gate, zone and minute, also before any merge; and the same after it."""
    tickets = [venue.scene.ticket() for _ in range(4)]
    venue.scene.ticket(state="refunded")
    one, two = booted(venue, "North"), booted(venue, "South")
    assert counts(venue)["entered"] == 0
    entry = one.scan(tickets[0], gate=1)
    wrong = one.scan(tickets[1], gate=1)
    one.scan(tickets[1], Kind.ANNUL, record_id(wrong))
    one.scan(tickets[0], Kind.OUT, record_id(entry), gate=1)
    two.clock += 60_000
    two.scan(tickets[2], gate=2)
    two.scan(tickets[3], gate=4, zone=2)
    two.put(about(tickets[0], Kind.DENY, reason=64)._replace(gate=2, allowance=0, terms=0))
    one.send(file_of(one))
    first = counts(venue)
    assert (first["entered"], first["left"], first["inside"]) == (1, 1, 0)
    one.send(file_of(two))
    seen = counts(venue)
    assert (seen["sold"], seen["entered"], seen["left"], seen["refused"]) == (4, 3, 1, 1)
    assert seen["inside"] == 1  # the club lies in the arena, which this guest was not seen to enter
    assert seen["gates"] == [
        {"gate": 1, "entered": 1, "left": 1, "refused": 0},
        {"gate": 2, "entered": 1, "left": 0, "refused": 1},
        {"gate": 4, "entered": 1, "left": 0, "refused": 0},
    ]
    assert seen["zones"] == [
        {"zone": 1, "day": 0, "entered": 2, "inside": 1},
        {"zone": 2, "day": 0, "entered": 1, "inside": 1},
    ]
    assert sum(each["entered"] for each in seen["minutes"]) == 3
    assert len(seen["minutes"]) == 2
    venue.service.work()
    rows = venue.scene.rows("SELECT 1 FROM merge_due WHERE tenant_id = $1", venue.scene.tenant)
    assert rows == []
    assert counts(venue) | {"at": ""} == seen | {"at": ""}


def test_a_large_event_is_not_counted_at_every_question(venue: Venue) -> None:
    """What took five seconds a moment ago is answered as it was then, with its time."""
    gate = booted(venue, "North")
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    scene, now = venue.scene, venue.service.clock()
    tallies, key = Tallies(), (venue.scene.tenant, EVENT)

    async def ask(seconds: float) -> Counts:
        pool = await open_pool(venue.service.database.app_url, size=1)
        at = now + timedelta(seconds=seconds)
        async with tenant_tx(pool, scene.tenant, WORKER, at) as tx:
            counts = await tallies.read(tx, scene.event, EVENT)
        await pool.close()
        return counts

    first = asyncio.run(ask(0))
    assert (first.entered, first.at) == (1, now)
    tallies._counting.clear()  # each `run` has a loop of its own
    tallies._kept[key] = tallies._kept[key]._replace(took=5.0)
    gate.scan(scene.ticket())
    gate.send(file_of(gate))
    second = asyncio.run(ask(10))
    assert (second.entered, second.at) == (1, now)
    tallies._counting.clear()
    third = asyncio.run(ask(60))
    assert (third.entered, third.at) == (2, now + timedelta(seconds=60))


def test_whoever_asks_while_somebody_counts_waits_for_nobody(venue: Venue) -> None:
    """They are told what was counted before, and hold no connection meanwhile."""
    gate = booted(venue, "North")
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))

    async def ask() -> list[int]:
        pool, now = await open_pool(venue.service.database.app_url, size=1), venue.service.clock()
        tallies, entered = Tallies(), []
        async with tenant_tx(pool, venue.scene.tenant, WORKER, now) as tx:
            entered.append((await tallies.read(tx, venue.scene.event, EVENT)).entered)
        gate.scan(venue.scene.ticket())
        await asyncio.to_thread(gate.send, file_of(gate))
        counting = tallies._counting[venue.scene.tenant, EVENT]
        async with counting, tenant_tx(pool, venue.scene.tenant, WORKER, now) as tx:
            reading = tallies.read(tx, venue.scene.event, EVENT)
            entered.append((await asyncio.wait_for(reading, 60)).entered)
        async with tenant_tx(pool, venue.scene.tenant, WORKER, now) as tx:
            entered.append((await tallies.read(tx, venue.scene.event, EVENT)).entered)
        await pool.close()
        return entered

    assert asyncio.run(ask()) == [1, 1, 2]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_found_does_not_hang_on_what_came_first(venue: Venue, order: Iterable[int]) -> None:
    """The same incidents, called the same, whatever was merged in between."""
    tickets = [venue.scene.ticket() for _ in range(3)]
    gates = [booted(venue, name) for name in ("North", "South", "East")]
    for gate in gates:
        for ticket in tickets:
            gate.scan(ticket)
    for at in order:
        gates[at].send(file_of(gates[at]))
        venue.service.work()
    view = venue.view()
    found = {each.record.hex() for each in view.findings()}
    shown = incidents(venue, state="open")
    assert len(shown) == 6
    evidence = {detail(venue, each["incident"])["evidence"][0]["record"] for each in shown}
    assert evidence == found
    told = notes(gates[0])
    assert [note.number for note in told] == sorted({note.number for note in told})


def test_one_merge_at_a_time_and_an_upload_waits_for_none(venue: Venue) -> None:
    """While an event is being merged, another merge leaves it, and records come in."""
    gate = booted(venue, "North")
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))

    async def both() -> None:
        pool = await open_pool(venue.service.database.app_url, size=2)
        tenant, now = venue.scene.tenant, venue.service.clock()
        async with tenant_tx(pool, tenant, WORKER, now) as first:
            outcome = await merge(first, EVENT, Kept())
            assert outcome is not None
            assert outcome.records == 2
            async with tenant_tx(pool, tenant, WORKER, now) as second:
                assert await merge(second, EVENT, Kept()) is None
            gate.scan(venue.scene.ticket())
            await asyncio.to_thread(gate.send, file_of(gate))
        async with tenant_tx(pool, tenant, WORKER, now) as third:
            outcome = await merge(third, EVENT, Kept())
            assert outcome is not None
            assert outcome.records == 3
            assert await merge(third, EVENT, Kept()) is None
        await pool.close()

    asyncio.run(both())


def test_who_may_not_does_not(venue: Venue, service: Service) -> None:
    """Strangers see none, scanners decide none, and no tenant has another's."""
    ticket = venue.scene.ticket()
    gates = [booted(venue, "North"), booted(venue, "South")]
    for gate in gates:
        gate.scan(ticket)
    gates[0].send(file_of(*gates))
    (found,) = incidents(venue)
    path = f"{venue.path}/incidents"
    stranger = service.person()
    assert problem(stranger.get(path)) == (404, "not_found")
    assert problem(service.client().get(path))[0] == 401
    venue.scene.run(
        f"""
        SELECT set_config('app.tenant', '{venue.scene.tenant}', false);
        INSERT INTO member (account_id, role) VALUES ('{stranger.account_id}', 'scanner');
        """
    )
    assert len(good(stranger.get(path))["items"]) == 1
    asked = stranger.post(f"{path}/{found['incident']}/decide", json={"state": "explained"})
    assert problem(asked) == (403, "scope_missing")
    other = Venue(service)
    assert problem(other.owner.get(f"{other.path}/incidents/{found['incident']}"))[0] == 404
    assert incidents(other) == []
    assert problem(venue.owner.get(f"{path}?event_id={other.scene.event}"))[0] == 404


def test_pages_of_incidents(venue: Venue) -> None:
    """Each once, whatever the size of the pages."""
    gates = [booted(venue, "North"), booted(venue, "South")]
    for _ in range(5):
        ticket = venue.scene.ticket()
        for gate in gates:
            gate.scan(ticket)
    gates[0].send(file_of(*gates))
    every = [each["incident"] for each in incidents(venue)]
    assert len(set(every)) == 5
    pages: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = good(venue.owner.get(f"{venue.path}/incidents?limit=2&cursor={cursor}"))
        pages += [each["incident"] for each in page["items"]]
        cursor = page["next"]
    assert pages == every
