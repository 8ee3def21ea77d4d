"""Guest lists: what a file says, what is wrong with it, and the tickets that come of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cloud.errors import Refusal
from cloud.tickets import guests_file
from cloud.tickets.guests_file import MOST, read
from cloud.tickets.guests_model import GuestRow
from cloud.tickets.issuing_rows import ClassFacts
from shared import token
from tests.cloud.service import MASTER_KEY, Event, Person, Service, Tenant, good, problem
from tests.cloud.waiting import blocked, holding

CLASSES = [
    ClassFacts(0, "Standing", live=False, seated=False),
    ClassFacts(1, "Balcony", live=False, seated=True),
    ClassFacts(2, "Twin", live=False, seated=False),
    ClassFacts(3, "twin", live=False, seated=False),
    ClassFacts(4, "7", live=False, seated=False),
    ClassFacts(7, "Press", live=False, seated=False),
]
PLAIN = "class,name,email\n"


def rows(text: str) -> list[GuestRow]:
    """Return the tickets of a list without a fault."""
    found = read(text.encode(), CLASSES)
    assert found.faults == []
    return found.rows


def faults(text: str) -> list[tuple[int, str, str]]:
    """Return line, column and code of each fault."""
    return [(each.line, each.column, each.code) for each in read(text.encode(), CLASSES).faults]


def test_a_list_is_read_as_written() -> None:
    """Columns in any order, capitals, spaces around cells, a count, an empty address."""
    text = "Email,COUNT, Name ,class\nAda@Example.org, 2 ,Ada Lovelace,standing\n,,Ben,0\n"
    ada = GuestRow(2, 0, "Ada Lovelace", "ada@example.org", None)
    assert rows(text) == [ada, ada, GuestRow(3, 0, "Ben", None, None)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spreadsheets_write_it_in_different_ways(delimiter: str, end: str, mark: str) -> None:
    """Comma, semicolon or tab, either line end, with a byte-order mark or without."""
    lines = [["class", "name", "email"], ["0", "Zoë", "z@x.test"]]
    text = mark + "".join(delimiter.join(cells) + end for cells in lines)
    assert rows(text) == [GuestRow(2, 0, "Zoë", "z@x.test", None)]


def test_quoted_cells_hold_anything() -> None:
    """Delimiters and doubled quotes in a name; lines are counted past line ends in a cell."""
    text = PLAIN + '0,"Lovelace, ""Ada""",\n\n0,"two\nlines",\n0,Ben,\n'
    found = read(text.encode(), CLASSES)
    assert [(row.line, row.name) for row in found.rows] == [(2, 'Lovelace, "Ada"'), (6, "Ben")]
    assert [(each.line, each.column, each.code) for each in found.faults] == [(4, "name", "name")]


def test_a_class_is_its_name_or_its_index() -> None:
    """A name goes before an index that looks like it; a name of two classes is nobody's."""
    assert [row.class_index for row in rows(PLAIN + "press,A,\n7,B,\n0,C,\n")] == [7, 4, 0]
    assert faults(PLAIN + "Twin,A,\n9,B,\n,C,\n") == [
        (2, "class", "class_ambiguous"), (3, "class", "class_unknown"),
        (4, "class", "class_unknown"),
    ]  # fmt: skip


FAULTY = [
    ("", [(1, "class", "column_missing")]),
    ("class,name\n", [(1, "email", "column_missing")]),
    ("class,name,email,phone\n", [(1, "#4", "column_unknown")]),
    ("class,name,email,name\n", [(1, "name", "column_repeated")]),
    (PLAIN + "0,A\n", [(2, "", "cells")]),
    (PLAIN + "0,A,,\n", [(2, "", "cells")]),
    (PLAIN + "0,,\n", [(2, "name", "name")]),
    (PLAIN + f"0,{'a' * 81},\n", [(2, "name", "name")]),
    (PLAIN + "0,a\x00b,\n", [(2, "name", "name")]),
    (PLAIN + "0,A,nobody\n", [(2, "email", "email")]),
    (PLAIN + f"0,A,a@{'b' * 260}\n", [(2, "email", "email")]),
    (PLAIN + '0,A,\n0,"B,\n0,C,\n', [(3, "", "quoting")]),
    (PLAIN + '0,A,\n0,"B"x,\n0,C,\n', [(3, "", "quoting")]),
    *((f"class,name,email,count\n0,A,,{count}\n", [(2, "count", "count")])
      for count in ("0", "101", "-1", "1.5", "two", "٣")),
    ("class,name,email,seat\n0,A,,S1\n", [(2, "seat", "seat_not_taken")]),
    ("class,name,email,seat\n1,A,,\n", [(2, "seat", "seat_needed")]),
    ("class,name,email,seat\n1,A,,S1\n1,B,,S1\n", [(3, "seat", "seat_repeated")]),
    ("class,name,email,seat,count\n1,A,,S1,2\n", [(2, "count", "count")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FAULTY)
def test_a_fault_is_told_with_its_line_and_column(
    text: str, expected: list[tuple[int, str, str]]
) -> None:
    """Each is found by its own code; none hides another line's."""
    assert faults(text) == expected


def test_every_bad_line_is_told() -> None:
    """A list is read to its end."""
    assert [line for line, _, _ in faults(PLAIN + "9,A,\n0,B,\n0,,\n0,C,x\n")] == [2, 4, 5]


def test_what_is_no_text_is_refused_with_its_line() -> None:
    """Latin-1, say, which spreadsheets still write."""
    with pytest.raises(Refusal) as caught:
        read(PLAIN.encode() + b"0,A,\n0,Zo\xeb,\n", CLASSES)
    assert (caught.value.code, caught.value.field) == ("guests_malformed", "line 3")


def test_a_list_has_a_largest_number_of_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts included."""
    assert MOST >= 100_000
    monkeypatch.setattr(guests_file, "MOST", 10)
    text = "class,name,email,count\n0,A,,6\n0,B,,4\n"
    assert len(rows(text)) == 10
    with pytest.raises(Refusal) as caught:
        rows(text + "0,C,,\n")
    assert (caught.value.code, caught.value.field) == ("guests_too_many", "line 4")


class Door:
    """An owner, and the guest lists that they send."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner: Person = service.person()
        self.tenant: Tenant = service.tenant(self.owner)

    def event(self, **first: Any) -> Event:
        """Make an event."""
        if "seats" not in first:
            first.setdefault("capacity", 2)
        return self.service.event(self.owner, self.tenant, **first)

    def send(self, event: Event, text: str, who: httpx.Client | None = None, **asked: Any) -> Any:
        """Send a list."""
        headers = {"content-type": "text/csv; charset=utf-8"}
        return (who or self.owner).post(
            f"{event.path}/guests", content=text.encode(), headers=headers, params=asked
        )

    def job(self, job: Any) -> Any:
        """Return a job as it stands."""
        return good(self.owner.get(f"{self.tenant.path}/jobs/{job['job_id']}"))

    def tickets(self, event: Event) -> list[Any]:
        """Return an event's guests' tickets by their numbers."""
        return self.service.database.rows(
            "SELECT t.*, (SELECT count(*) FROM ticket_move m WHERE m.ticket_id = t.ticket_id"
            " AND m.move = 'issue') AS issues FROM ticket t"
            " WHERE event_id = $1 AND attendee IS NOT NULL ORDER BY number",
            event.event_id,
        )

    def counts(self, event: Event) -> Any:
        """Return how many tickets of the event's class are free, held, sold and gone."""
        (each,) = good(self.owner.get(f"{event.path}/classes"))
        return each["organizer"]["counts"]

    def waiting(self) -> int:
        """Return how many guests' data still wait."""
        return int(self.service.database.rows("SELECT count(*) AS n FROM guest")[0]["n"])


@pytest.fixture(scope="module")
def door(service: Service) -> Door:
    """The tenant of this file."""
    return Door(service)


def test_a_guest_list_becomes_signed_tickets(door: Door) -> None:
    """One for each guest, valid at once, with numbers after those on sale and one message."""
    event = door.event()
    text = "class;name;email;count\nStanding;Ada;ada@x.test;2\n0;Ben;;\n"
    job = good(door.send(event, text, over_capacity=True), 202)
    assert (job["state"], job["done"], job["total"]) == ("waiting", 0, 3)
    door.service.work()
    done = door.job(job)
    assert (done["state"], done["done"], done["report"]["issued"]) == ("done", 3, 3)
    assert done["ended_at"] is not None
    tickets = door.tickets(event)
    assert [each["number"] for each in tickets] == [2, 3, 4]
    assert [(each["attendee"], each["email"]) for each in tickets] == [
        ("Ada", "ada@x.test"), ("Ada", "ada@x.test"), ("Ben", None),
    ]  # fmt: skip
    for each in tickets:
        assert (each["state"], each["issues"]) == ("active", 1)
        assert token.parse(token.encode_text(each["token"])).token.ticket == each["ticket_id"].bytes
    path = f"{event.path}/tickets/{tickets[0]['ticket_id']}"
    scan = {"gate": 1, "code": door.owner.get(f"{path}/code.txt").text}
    assert good(door.owner.post(f"{event.path}/redeem", json=scan))["signal"] == "green"
    told = door.service.database.rows(
        "SELECT payload->>'first' AS first, payload->>'count' AS count FROM outbox"
        " WHERE topic = 'ticket.issued' AND key = $1", f"event:{event.event_id}",
    )  # fmt: skip
    assert [tuple(row) for row in told] == [("2", "3")]
    assert door.waiting() == 0


def test_a_list_with_a_bad_line_issues_nothing(door: Door) -> None:
    """Its report tells line, column and what is taken, and repeats no name."""
    event = door.event()
    text = "class,name,email\n0,Ada,a@x.test\n5,Secret Name,a@x.test\n"
    job = good(door.send(event, text), 202)
    assert (job["state"], job["report"]["faulty"]) == ("failed", 1)
    fault = {"line": 3, "column": "class", "code": "class_unknown"}
    assert fault.items() <= job["report"]["faults"][0].items()
    assert "Secret" not in str(door.job(job))
    door.service.work()
    assert door.tickets(event) == []
    assert door.waiting() == 0


def test_a_dry_run_reports_and_keeps_nothing(door: Door) -> None:
    """Also for a draft; a good list is only good."""
    event = door.service.event(door.owner, door.tenant, publish=False)
    job = good(door.send(event, PLAIN + "0,Ada,\n", dry_run=True), 202)
    assert (job["state"], job["dry_run"], job["total"], job["done"]) == ("done", True, 1, 0)
    assert door.waiting() == 0
    real = door.send(event, PLAIN + "0,Ada,\n")
    assert problem(real) == (409, "event_not_published")


def test_a_live_ticket_is_issued_unsigned(door: Door) -> None:
    """Its code waits for a phone, as a bought one's does."""
    event = door.event(live=True)
    good(door.send(event, PLAIN + "0,Ada,\n"), 202)
    door.service.work()
    (ticket,) = door.tickets(event)
    assert (ticket["state"], ticket["token"], ticket["kid"]) == ("active", None, None)


def test_a_guest_takes_a_seat_off_sale(door: Door) -> None:
    """A seat of the class that nobody has; the ticket for sale is withdrawn for it."""
    event = door.event(seats=["A1", "A2", "A3"], price=0)
    buyer = door.service.person()
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "seats": ["A2"]}]}
    good(buyer.post(f"{door.tenant.path}/orders", json=wanted), 201)
    header = "class,name,email,seat\n"
    bad = good(door.send(event, header + "0,Ada,,A2\n0,Ben,,Z9\n"), 202)
    assert [each["code"] for each in bad["report"]["faults"]] == ["seat_taken", "seat_unknown"]
    good(door.send(event, header + "0,Ada,,A1\n"), 202)
    door.service.work()
    (ticket,) = door.tickets(event)
    assert (ticket["seat"], ticket["state"]) == ("A1", "active")
    wanted["items"] = [{"class_index": 0, "seats": ["A1"]}]
    assert problem(buyer.post(f"{door.tenant.path}/orders", json=wanted)) == (409, "seats_taken")


def test_a_seat_sold_meanwhile_is_reported(door: Door) -> None:
    """The other guests get theirs, and numbers have no gap."""
    event = door.event(seats=["A1", "A2"], price=0)
    job = good(door.send(event, "class,name,email,seat\n0,Ada,,A1\n0,Ben,,A2\n"), 202)
    buyer = door.service.person()
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "seats": ["A1"]}]}
    good(buyer.post(f"{door.tenant.path}/orders", json=wanted), 201)
    door.service.work()
    done = door.job(job)
    assert (done["state"], done["done"], done["report"]["issued"]) == ("done", 2, 1)
    assert [(each["line"], each["code"]) for each in done["report"]["faults"]] == [
        (2, "seat_taken")
    ]
    assert [(each["attendee"], each["number"]) for each in door.tickets(event)] == [("Ben", 2)]


def test_a_list_that_waits_for_a_seat_lets_keys_be_withdrawn(door: Door) -> None:
    """Who has the seat may be waiting for the keys; the code is signed by the key there is then."""
    event = door.event(seats=["A1"], price=0)
    door.service.work()
    good(door.send(event, "class,name,email,seat\n0,Ada,,A1\n"), 202)
    keys = good(door.owner.get(f"{door.tenant.path}/keys"))
    (kid,) = (each["kid"] for each in keys if each["event_id"] == str(event.event_id))
    withdraw = f"{door.tenant.path}/keys/{kid}/revoke"

    async def while_it_waits() -> httpx.Response:
        async with holding(door.service) as conn:
            await conn.execute("SELECT FROM ticket WHERE event_id = $1 FOR UPDATE", event.event_id)
            working = await blocked(conn, door.service.work)
            withdrawn = await asyncio.to_thread(door.owner.post, withdraw, timeout=3)
        await working
        return withdrawn

    good(asyncio.run(while_it_waits()))
    (ticket,) = door.tickets(event)
    assert (ticket["seat"], ticket["state"]) == ("A1", "active")
    assert ticket["kid"] not in (None, bytes.fromhex(kid))


def test_guests_take_tickets_off_sale(door: Door) -> None:
    """A class has no more people in it than its capacity, sold or invited."""
    event = door.event(capacity=5, price=0)
    good(door.send(event, "class,name,email,count\n0,Ada,,3\n"), 202)
    door.service.work()
    assert door.counts(event) == {"free": 2, "held": 0, "sold": 3, "gone": 3}
    bad = good(door.send(event, "class,name,email,count\n0,Ben,,2\n0,Cleo,,2\n0,Dan,,\n"), 202)
    assert bad["state"] == "failed"
    assert [(each["line"], each["column"], each["code"]) for each in bad["report"]["faults"]] == [
        (3, "class", "sold_out"), (4, "class", "sold_out"),
    ]  # fmt: skip
    assert bad["report"]["faults"][0]["accepted"].startswith("2 tickets")
    listed = f"{event.path}/tickets"
    named = [each["attendee"] for each in good(door.owner.get(listed))["items"]]
    assert named == ["Ada"] * 3, "what was taken off sale was nobody's"
    assert len(good(door.owner.get(f"{listed}?ticket_state=revoked"))["items"]) == 3
    door.service.work()
    assert len(door.tickets(event)) == 3


def test_guests_come_on_top_of_the_capacity_where_that_is_said(door: Door) -> None:
    """As much is on sale as before; the audit knows of it."""
    event = door.event(capacity=1, price=0)
    job = good(door.send(event, PLAIN + "0,Ada,\n0,Ben,\n", over_capacity=True), 202)
    assert job["over_capacity"] is True
    door.service.work()
    assert door.counts(event) == {"free": 1, "held": 0, "sold": 2, "gone": 0}
    (noted,) = door.service.database.rows(
        "SELECT detail FROM audit WHERE action = 'guests.listed' AND subject = $1",
        f"job:{job['job_id']}",
    )
    assert json.loads(noted["detail"])["over_capacity"] is True


def test_a_draft_has_as_many_tickets_as_it_will(door: Door) -> None:
    """A dry run tells what a list would be told once the event is published."""
    event = door.service.event(door.owner, door.tenant, publish=False, capacity=1)
    bad = good(door.send(event, PLAIN + "0,Ada,\n0,Ben,\n", dry_run=True), 202)
    assert [each["code"] for each in bad["report"]["faults"]] == ["sold_out"]


def test_a_ticket_sold_meanwhile_is_reported(door: Door) -> None:
    """Who stands first on the list is given what is left."""
    event = door.event(capacity=2, price=0)
    job = good(door.send(event, PLAIN + "0,Ada,\n0,Ben,\n"), 202)
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "quantity": 1}]}
    good(door.service.person().post(f"{door.tenant.path}/orders", json=wanted), 201)
    door.service.work()
    done = door.job(job)
    assert (done["state"], done["report"]["issued"]) == ("done", 1)
    assert [(each["line"], each["code"]) for each in done["report"]["faults"]] == [(3, "sold_out")]
    assert [(each["attendee"], each["number"]) for each in door.tickets(event)] == [("Ada", 2)]
    assert door.counts(event) == {"free": 0, "held": 0, "sold": 2, "gone": 1}


def test_an_event_cancelled_meanwhile_stops_the_list(door: Door) -> None:
    """The job has failed with the reason, and the guests' data is gone."""
    event = door.event()
    job = good(door.send(event, PLAIN + "0,Ada,\n"), 202)
    version = good(door.owner.get(event.path))["organizer"]["version"]
    good(door.owner.post(f"{event.path}/cancel", json={"version": version}))
    door.service.work()
    done = door.job(job)
    assert (done["state"], done["report"]["refused"]) == ("failed", "event_closed")
    assert door.tickets(event) == []
    assert door.waiting() == 0


def test_who_may_send_a_list_and_what_it_must_be(door: Door) -> None:
    """A scope, a media type, a size, an event of this tenant."""
    event = door.event()
    stranger = door.service.person()
    assert problem(door.send(event, PLAIN, stranger)) == (404, "not_found")
    assert problem(door.owner.post(f"{event.path}/guests", json={})) == (415, "media_type")
    assert problem(door.send(event, "x" * ((16 << 20) + 1))) == (413, "body_too_large")
    nowhere = Event(door.tenant, uuid4(), event.venue_id)
    assert problem(door.send(nowhere, PLAIN)) == (404, "not_found")
    assert problem(door.send(nowhere, PLAIN, dry_run=True)) == (404, "not_found")
    job = good(door.send(event, PLAIN + "0,Ada,\n", dry_run=True))
    path = f"{door.tenant.path}/jobs/{job['job_id']}"
    assert problem(stranger.get(path)) == (404, "not_found")
    assert problem(door.owner.get(f"{door.tenant.path}/jobs/{uuid4()}")) == (404, "not_found")


WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from cloud.db.connect import open_pool
from cloud.keys.issuers import Issuers
from cloud.keys.keyring import Keyring
from cloud.keys.sealing import MasterKey
from cloud.messages.consumer import Consumer
from cloud.messages.turning import drain, relay
from cloud.tickets import issuing, jobs
from uuid import UUID

url, tenant, key = sys.argv[1:]
issuing.PIECE = jobs.BATCH = 20


async def main():
    pool = await open_pool(url, size=2)
    issuers = Issuers(Keyring(MasterKey(bytes.fromhex(key))))
    told = Consumer("tickets", jobs.handlers(issuers))
    print("ready", flush=True)
    while await relay(pool, UUID(tenant), [told], datetime.now(UTC)) + await drain(
        pool, UUID(tenant), told, datetime.now(UTC)
    ):
        pass


asyncio.run(main())
"""


def test_a_worker_killed_anywhere_issues_nothing_twice(door: Door) -> None:
    """Several are killed in the middle; the last one ends the list: each guest has one ticket,
    and each took one off sale."""
    event = door.event(capacity=2100)
    guests = [f"Guest {number}" for number in range(2000)]
    job = good(door.send(event, PLAIN + "".join(f"0,{name},\n" for name in guests)), 202)
    seen = []
    for _ in range(4):
        process = _worker(door)
        try:
            done = door.job(job)["done"]
            door.service.until(lambda: door.job(job), lambda now, at=done: now["done"] > at)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(30)
            process.stdout.close()
        seen.append(door.job(job)["done"])
        assert len(door.tickets(event)) == seen[-1]
    assert 0 < seen[0] < 2000, "none was killed in the middle"
    door.service.work()
    assert door.job(job)["state"] == "done"
    tickets = door.tickets(event)
    assert Counter(each["attendee"] for each in tickets) == Counter(guests)
    assert [each["number"] for each in tickets] == list(range(2100, 4100))
    assert {each["issues"] for each in tickets} == {1}
    assert door.counts(event) == {"free": 100, "held": 0, "sold": 2000, "gone": 2000}


def _worker(door: Door) -> Any:
    arguments = [door.service.settings.database_url, str(door.tenant.tenant_id), MASTER_KEY]
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, *arguments],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process
