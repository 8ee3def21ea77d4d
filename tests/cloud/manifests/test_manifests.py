"""Manifests over real HTTP: a gate's list is what the tickets' rows say, however it got it."""

import threading
from typing import Any

import pytest

from cloud.manifests import listing
from cloud.tickets.lifecycle import State
from shared.hashing import holder_hash
from shared.manifest import Status, TicketRecord
from shared.manifest.sealed import Name, open_sealed
from tests.cloud.manifests.gate import Gate
from tests.cloud.service import Event, Person, Service, good, problem

NEAR = "UPDATE event SET doors_at = now() + interval '1 day', starts_at = now() + interval '25 h',"
ROWS = """
    SELECT hash, gen, class_index, state, blocked, holder, token, attendee, seat FROM ticket
     WHERE event_id = $1 AND token IS NOT NULL
"""
LIST_STATUS = """
    SELECT pg_get_expr(d.adbin, d.adrelid) AS said
      FROM pg_attrdef d JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
     WHERE d.adrelid = 'ticket'::regclass AND a.attname = 'list_status'
"""


class House:
    """An owner, and an event that opens tomorrow."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner: Person = service.person()
        self.tenant = service.tenant(self.owner)

    def event(self, **first: Any) -> Event:
        """Make an event whose tickets cost nothing."""
        event = self.service.event(
            self.owner, self.tenant, **({"price": 0, "capacity": 500, "per_order": 100} | first)
        )
        ends = f"ends_at = now() + interval '30 h' WHERE event_id = '{event.event_id}'"
        self.service.database.run(f"{NEAR} {ends}")
        return event

    def buy(self, event: Event, quantity: int, buyer: Person | None = None) -> list[str]:
        """Buy tickets; return where they are."""
        order = self.service.buy(buyer or self.owner, event, quantity)
        rows = self.service.database.rows(
            "SELECT ticket_id FROM ticket WHERE order_id = $1::text::uuid ORDER BY number",
            order["order_id"],
        )
        return [f"{event.path}/tickets/{row['ticket_id']}" for row in rows]

    def check(self, gate: Gate) -> None:
        """A gate's list says what the rows say, and its names open with the tickets' codes."""
        held = gate.manifest.held
        assert held is not None
        rows = self.service.database.rows(ROWS, gate.event.event_id)
        assert held.table.tickets == len(rows)
        for row in rows:
            holder = holder_hash(row["holder"]) if row["holder"] else bytes(4)
            status = listing.status_of(State(row["state"]), blocked=row["blocked"])
            found = held.table.find(row["hash"])
            assert found is not None
            assert status is not None
            said = (row["gen"], row["class_index"], status, holder)
            assert found == TicketRecord(row["hash"], found.number, *said)
            if row["attendee"]:
                blob = held.table.name(row["hash"])
                assert open_sealed(blob, row["token"]) == Name(row["attendee"], row["seat"] or "")


@pytest.fixture(scope="module")
def house(service: Service) -> House:
    """The tenant of this file."""
    return House(service)


def test_a_list_is_preloaded_and_followed_through_every_change(house: House) -> None:
    """Sold, named, blocked, unblocked, reissued and revoked: each comes by a delta."""
    event = house.event()
    tickets = house.buy(event, 3)
    good(house.owner.patch(tickets[0], json={"attendee": "Zoë Ávila"}))
    house.service.work()
    gate = Gate(house.service, house.owner, event)
    gate.preload()
    house.check(gate)
    changes: list[Any] = [
        lambda: house.buy(event, 2),
        lambda: good(house.owner.post(f"{tickets[0]}/block", json={"reason": "lost"})),
        lambda: good(house.owner.post(f"{tickets[0]}/unblock", json={"reason": "lost"})),
        lambda: good(house.owner.post(f"{tickets[1]}/reissue", json={})),
        lambda: good(house.owner.post(f"{tickets[2]}/revoke", json={"reason": "lost"})),
    ]
    for change in changes:
        change()
        house.service.work()
        answer = gate.follow()
        assert "usher-base" in answer.headers
        assert len(answer.content) < 4000
        house.check(gate)
    held = gate.manifest.held
    assert held is not None
    statuses = {each.status for each in held.table.records()}
    assert statuses == {Status.ACTIVE, Status.REVOKED}


def test_a_changed_plan_arrives_without_a_ticket(house: House) -> None:
    """Another name of the event is a new head with an empty entry."""
    event = house.event()
    house.buy(event, 1)
    house.service.work()
    gate = Gate(house.service, house.owner, event)
    gate.preload()
    version = good(house.owner.get(event.path))["organizer"]["version"]
    good(house.owner.patch(event.path, json={"version": version, "name": "Autumn Night"}))
    house.service.work()
    gate.follow()
    assert gate.manifest.held is not None
    assert gate.manifest.held.head.plan.name == "Autumn Night"
    house.check(gate)


def test_a_download_goes_on_wherever_it_broke_off(house: House) -> None:
    """Chunks fetched one by one, compressed or not, are the whole list."""
    event = house.event()
    house.buy(event, 8)
    house.service.work()
    gate = Gate(house.service, house.owner, event)
    assembly = gate.begin()
    for place in assembly.missing:
        codings = {"accept-encoding": "zstd" if place % 2 else "identity"}
        (_, records), (_, names) = gate.chunks(assembly.head.version, [place], **codings)
        assembly = assembly.add(place, records).add_names(place, names)
    gate.manifest = gate.manifest.take(assembly, gate.trusted)
    house.check(gate)


def test_what_is_too_old_or_never_was_is_said(house: House) -> None:
    """A version outside the log is 410, chunks of an unknown one 409, another event 404."""
    event = house.event()
    house.buy(event, 1)
    house.service.work()
    gate = Gate(house.service, house.owner, event)
    assert problem(gate.of_list("delta?from=4000000")) == (410, "manifest_too_old")
    moved = gate.of_list(f"chunks?version=4000000&want={1:064x}")
    assert problem(moved) == (409, "manifest_moved")
    assert problem(gate.get("/events/0000000000000000/head")) == (404, "not_found")


def test_a_withdrawn_key_leaves_only_a_snapshot(house: House) -> None:
    """What a revoked key signed is signed anew, under the new key, and its chain starts anew."""
    event = house.event()
    house.buy(event, 2)
    house.service.work()
    gate = Gate(house.service, house.owner, event)
    gate.preload()
    held = gate.manifest.held
    assert held is not None
    kid = held.raw[6:10].hex()
    good(house.owner.post(f"{event.tenant.path}/keys/{kid}/revoke", json={}))
    house.service.work()
    gate.learn_keys()
    answer = gate.of_list(f"delta?from={held.head.version}")
    assert problem(answer) == (410, "manifest_too_old")
    gate.preload()
    house.check(gate)
    assert gate.manifest.held is not None
    assert gate.manifest.held.raw[6:10].hex() != kid


def test_nothing_is_lost_while_people_buy(house: House) -> None:
    """Sales beside publications: the list at the end is the rows, each ticket once."""
    event = house.event()
    house.buy(event, 1)
    house.service.work()
    gate = Gate(house.service, house.owner, event)
    gate.preload()
    buyers = [house.service.person() for _ in range(3)]
    ends = [
        threading.Thread(target=lambda who=who: [house.buy(event, 3, who) for _ in range(4)])
        for who in buyers
    ]
    for each in ends:
        each.start()
    while any(each.is_alive() for each in ends):
        house.service.work()
        gate.follow()
    house.service.work()
    gate.follow()
    assert gate.manifest.held is not None
    assert gate.manifest.held.table.tickets == 37
    house.check(gate)


def test_the_database_knows_the_same_statuses(house: House) -> None:
    """The triggers go by a column that says what `listing` lists."""
    said = house.service.database.rows(LIST_STATUS)[0]["said"]
    for state in State:
        for blocked in (False, True):
            row = house.service.database.rows(
                f"SELECT {said} AS said FROM (SELECT $1::text, $2::boolean) AS t (state, blocked)",
                state.value,
                blocked,
            )[0]
            expected = listing.status_of(state, blocked=blocked)
            assert row["said"] == (None if expected is None else int(expected))
