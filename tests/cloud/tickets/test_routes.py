"""Tickets over real HTTP: who sees one, who gets its code, and what its owner may do with it."""

import io
import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pypdfium2
import pytest
from PIL import Image

from cloud.tickets.model_holder import Binding, prove
from shared import keys, token
from tests.cloud.service import Event, Person, Service, Tenant, good, problem
from tests.cloud.tickets.samples import read as decode_codes

PHONE, OTHER_PHONE = b"\x41" * 32, b"\x42" * 32


class House:
    """An owner with a tenant, made once for this file."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner = service.person()
        self.tenant: Tenant = service.tenant(self.owner)
        self.stranger = service.person()
        self.staff = self._member("staff")
        self.scanner = self._member("scanner")

    def _member(self, role: str) -> Person:
        person = self.service.person()
        self.service.database.run(
            f"INSERT INTO member (tenant_id, account_id, role)"
            f" VALUES ('{self.tenant.tenant_id}', '{person.account_id}', '{role}')"
        )
        return person

    def event(self, **first: Any) -> Event:
        """Make an event whose tickets cost nothing, so that they are bought at once."""
        return self.service.event(self.owner, self.tenant, **({"price": 0, "capacity": 5} | first))

    def bought(self, buyer: httpx.Client, event: Event, quantity: int = 1) -> list[str]:
        """Buy tickets; return where they are."""
        order = self.service.buy(buyer, event, quantity)
        rows = self.service.database.rows(
            "SELECT ticket_id FROM ticket WHERE order_id = $1 ORDER BY number",
            UUID(order["order_id"]),
        )
        return [f"{event.path}/tickets/{row['ticket_id']}" for row in rows]

    def set(self, event: Event, what: str) -> None:
        """Change an event behind everybody's back."""
        self.service.database.run(f"UPDATE event SET {what} WHERE event_id = '{event.event_id}'")

    def use(self, ticket: str) -> None:
        """Let a ticket in, as a check-in does."""
        self.service.database.run(
            "SELECT set_config('app.move', 'use', false), set_config('app.actor', 'gate', false),"
            f" set_config('app.tenant', '{self.tenant.tenant_id}', false);"
            f"UPDATE ticket SET state = 'used' WHERE ticket_id = '{ticket[-36:]}'"
        )

    def binding(self, seen: Any, phone: bytes = PHONE, **other: Any) -> Any:
        """Return a phone's key with its proof; `other`: what the proof is really of."""
        said = {
            "tenant": self.tenant.tenant_id,
            "ticket": UUID(seen["ticket_id"]),
            "gen": seen["gen"],
            "at": int(time.time()),
        } | other
        return plain(prove(phone, **said))


def plain(binding: Binding) -> Any:
    """Return a binding as it is sent."""
    return {"public": binding.public, "at": binding.at, "proof": binding.proof}


@pytest.fixture(scope="module")
def house(service: Service) -> House:
    """The tenant of this file."""
    return House(service)


@pytest.fixture(scope="module")
def fan(service: Service) -> Person:
    """Somebody without any role."""
    return service.person()


def test_a_guest_is_not_told_when_gates_are_cut_off(house: House) -> None:
    """Whoever has a copy of a ticket would know when to use it; the organizer is told."""
    event, buyer = house.event(), house.service.person()
    (path,) = house.bought(buyer, event)
    for each in (path, f"{path}/moves"):
        shown, hidden = house.owner.get(each), buyer.get(each)
        assert (shown.status_code, hidden.status_code) == (200, 200)
        assert shown.headers["usher-waiting"] == "0"
        assert not {"usher-waiting", "usher-data-age"} & set(hidden.headers)
    renamed = buyer.patch(path, json={"attendee": "Ada"})
    assert (renamed.status_code, "usher-waiting" in renamed.headers) == (200, False)
    named = house.owner.patch(path, json={"attendee": "Ben"})
    assert named.headers["usher-waiting"] == "0"


def test_one_sees_ones_own_tickets_of_all_events_page_by_page(house: House) -> None:
    """Every ticket comes once over the pages, whatever the event, and nobody else's."""
    buyer = house.service.person()
    bought = [*house.bought(buyer, house.event(), 2), *house.bought(buyer, house.event(), 1)]
    house.bought(house.owner, house.event(), 1)
    seen, cursor = [], ""
    while cursor is not None:
        page = good(
            buyer.get(f"{house.tenant.path}/tickets", params={"limit": 2, "cursor": cursor})
        )
        seen += [each["ticket"]["ticket_id"] for each in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == sorted(path[-36:] for path in bought)


def test_a_ticket_is_its_owners_and_the_organizers_to_see(house: House, fan: Person) -> None:
    """Others are told that it does not exist; a member without the scope, that they may not."""
    (ticket,) = house.bought(fan, event := house.event())
    assert good(fan.get(ticket))["account_id"] == str(fan.account_id)
    assert good(house.owner.get(ticket))["state"] == "active"
    assert problem(house.stranger.get(ticket)) == (404, "not_found")
    assert problem(house.scanner.get(ticket)) == (403, "scope_missing")
    assert problem(house.service.client().get(ticket)) == (401, "credentials_missing")
    nothing = f"{event.path}/tickets/{uuid4()}"
    assert problem(fan.get(nothing)) == (404, "not_found")
    assert problem(house.owner.get(nothing)) == (404, "not_found")


def test_an_events_list_is_filtered(house: House, fan: Person) -> None:
    """By state, class and text; percent signs and the like are only themselves."""
    event = house.event()
    house.service.ticket_class(house.owner, event, name="Balcony", price=0, seats=["A1", "A2"])
    first, second = house.bought(fan, event, 2)
    good(house.owner.patch(first, json={"attendee": "Zoë 100%"}))
    good(house.owner.post(f"{second}/revoke", json={"reason": "No show"}))

    def found(**asked: Any) -> set[str]:
        answer = good(house.owner.get(f"{event.path}/tickets", params=asked))
        return {each["ticket_id"] for each in answer["items"]}

    one, two = first[-36:], second[-36:]
    order = good(house.owner.get(first))["order_id"]
    assert found() == {one, two}
    assert found(ticket_state="active") == {one}
    assert len(found(ticket_state="created", class_index=1)) == 2
    assert found(class_index=1) == set()
    assert found(q="ZOË 100%") == {one}
    assert found(q="%") == {one}
    assert found(q="_") == set()
    assert found(q=order[:13]) == {one, two}
    assert len(found(q="a1", ticket_state="created")) == 1
    assert problem(fan.get(f"{event.path}/tickets")) == (404, "not_found")
    nowhere = f"{house.tenant.path}/events/{uuid4()}/tickets"
    assert problem(house.owner.get(nowhere)) == (404, "not_found")
    for bad in ({"q": "\0"}, {"ticket_state": "lost"}, {"class_index": -1}, {"cursor": "!"}):
        assert house.owner.get(f"{event.path}/tickets", params=bad).status_code == 400


def test_the_code_is_the_same_ticket_as_text_picture_and_paper(house: House, fan: Person) -> None:
    """Decoded back from SVG's source, PNG and PDF, each form holds the signed text."""
    (ticket,) = house.bought(fan, house.event())
    text = fan.get(f"{ticket}/code.txt").text
    parsed = token.parse(text).token
    assert parsed.ticket == UUID(ticket[-36:]).bytes
    png = fan.get(f"{ticket}/code.png")
    assert png.headers["content-type"] == "image/png"
    assert [each.text for each in decode_codes(Image.open(io.BytesIO(png.content)))] == [text]
    svg = fan.get(f"{ticket}/code.svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert svg.content.startswith(b"<svg ")
    pdf = fan.get(f"{ticket}/code.pdf", params={"language": "de", "paper": "letter"})
    assert _printed(pdf) == [text]


def test_an_order_is_printed_for_who_owns_its_tickets(house: House, fan: Person) -> None:
    """A page a ticket to the buyer and the box office; nothing to a stranger."""
    tickets = house.bought(fan, house.event(), 2)
    order = good(fan.get(tickets[0]))["order_id"]
    path = f"{house.tenant.path}/orders/{order}/tickets.pdf"
    texts = [fan.get(f"{ticket}/code.txt").text for ticket in tickets]
    assert _printed(fan.get(path)) == texts
    assert _printed(house.staff.get(path)) == texts
    assert problem(house.stranger.get(path)) == (404, "not_found")


def _printed(response: httpx.Response) -> list[str]:
    assert response.headers["content-type"] == "application/pdf", response.text
    document = pypdfium2.PdfDocument(response.content)
    try:
        pages = [page.render(scale=3).to_pil() for page in document]
        return [each.text for page in pages for each in decode_codes(page)]
    finally:
        document.close()


def test_a_code_is_shown_to_its_owner_and_the_box_office_alone(house: House, fan: Person) -> None:
    """Who may only read tickets gets no code, and the box office's look is written down."""
    (ticket,) = house.bought(fan, house.event())
    path = f"{ticket}/code.txt"
    assert problem(house.stranger.get(path)) == (404, "not_found")
    assert problem(house.scanner.get(path)) == (403, "scope_missing")
    staff = house.staff
    assert staff.get(path).text == fan.get(path).text
    said = house.service.database.rows(
        "SELECT actor FROM audit WHERE action = 'ticket.code_shown' AND subject = $1",
        f"ticket:{ticket[-36:]}",
    )
    assert [row["actor"] for row in said] == [f"account:{staff.account_id}"]


def test_a_void_ticket_has_no_code(house: House, fan: Person) -> None:
    """Neither to its owner nor to the box office."""
    (ticket,) = house.bought(fan, house.event())
    good(house.owner.post(f"{ticket}/revoke", json={"reason": "Charged back"}))
    for form in ("txt", "svg", "png", "pdf"):
        for who in (fan, house.owner):
            answer = who.get(f"{ticket}/code.{form}")
            assert problem(answer) == (409, "ticket_not_valid")


def test_a_reissue_kills_the_code_before(house: House, fan: Person) -> None:
    """The generation rises, the text changes, the history and a message tell of it."""
    (ticket,) = house.bought(fan, house.event())
    before = token.parse(fan.get(f"{ticket}/code.txt").text).token
    assert good(fan.post(f"{ticket}/reissue"))["gen"] == before.gen + 1
    after = token.parse(fan.get(f"{ticket}/code.txt").text).token
    assert after == before._replace(gen=before.gen + 1)
    moves = good(fan.get(f"{ticket}/moves"))["items"]
    assert [each["move"] for each in moves][-1] == "reissue"
    told = house.service.database.rows(
        "SELECT topic FROM outbox WHERE key = $1 ORDER BY message_id", ticket[-36:]
    )
    assert [row["topic"] for row in told] == ["ticket.changed"]


def test_an_owner_reissues_not_too_soon_and_not_too_often(house: House, fan: Person) -> None:
    """The cool-down tells how long to wait; the limit ends it; the organizer has neither."""
    event = house.event()
    (ticket,) = house.bought(fan, event)
    house.set(event, "reissue_limit = 2, reissue_cooldown = 500")
    good(fan.post(f"{ticket}/reissue"))
    refused = fan.post(f"{ticket}/reissue")
    assert problem(refused) == (409, "reissue_cooldown")
    assert 400 < int(refused.headers["retry-after"]) <= 500
    good(house.owner.post(f"{ticket}/reissue"))
    good(house.owner.post(f"{ticket}/reissue"))
    house.set(event, "reissue_cooldown = 0")
    assert good(fan.post(f"{ticket}/reissue"))["gen"] == 4
    assert problem(fan.post(f"{ticket}/reissue")) == (409, "reissue_limit")


def test_a_known_check_in_ends_what_an_owner_may_change(house: House, fan: Person) -> None:
    """Used, a ticket is neither reissued, bound, renamed nor offered."""
    (ticket,) = house.bought(fan, house.event())
    seen = good(fan.get(ticket))
    house.use(ticket)
    expected = (409, "ticket_used")
    assert problem(fan.post(f"{ticket}/reissue")) == expected
    assert problem(house.owner.post(f"{ticket}/reissue")) == expected
    assert problem(fan.put(f"{ticket}/holder", json=house.binding(seen))) == expected
    assert problem(fan.patch(ticket, json={"attendee": "Eve"})) == expected
    assert problem(fan.post(f"{ticket}/transfers", json={})) == expected
    assert good(house.owner.patch(ticket, json={"attendee": "Eve"}))["attendee"] == "Eve"


def test_a_blocked_ticket_stays_as_it_is_for_its_owner(house: House, fan: Person) -> None:
    """Until the organizer unblocks it; blocking twice is one act."""
    (ticket,) = house.bought(fan, house.event())
    for _ in range(2):
        blocked = good(house.owner.post(f"{ticket}/block", json={"reason": "stolen"}))
        assert blocked["blocked"] is True
    assert problem(fan.post(f"{ticket}/reissue")) == (409, "ticket_blocked")
    assert problem(fan.post(f"{ticket}/block", json={"reason": "lost"})) == (404, "not_found")
    assert good(house.owner.post(f"{ticket}/unblock", json={"reason": "mistake"}))["gen"] == 0
    good(fan.post(f"{ticket}/reissue"))
    rows = house.service.database.rows(
        "SELECT action FROM audit WHERE subject = $1 ORDER BY audit_id", f"ticket:{ticket[-36:]}"
    )
    assert [row["action"] for row in rows] == [
        "ticket.blocked", "ticket.unblocked", "ticket.reissued",
    ]  # fmt: skip


def test_a_live_ticket_has_no_code_until_a_phone_is_bound(house: House, fan: Person) -> None:
    """The first binding keeps the generation; then only the text is given, and no picture."""
    (ticket,) = house.bought(fan, house.event(live=True))
    assert good(fan.get(ticket))["code"] == "bind_first"
    for form in ("txt", "png", "pdf"):
        assert problem(fan.get(f"{ticket}/code.{form}")) == (409, "bind_first")
    bound = good(fan.put(f"{ticket}/holder", json=house.binding(good(fan.get(ticket)))))
    assert (bound["gen"], bound["code"]) == (0, "ready")
    assert bound["holder"] == keys.public_key(PHONE).hex()
    parsed = token.parse(fan.get(f"{ticket}/code.txt").text).token
    assert (parsed.flags, parsed.holder_pk) == (token.LIVE_REQUIRED, keys.public_key(PHONE))
    assert problem(fan.get(f"{ticket}/code.svg")) == (409, "live_code_only")
    assert _printed(fan.get(f"{ticket}/code.pdf")) == []


def test_another_phone_is_a_reissue(house: House, fan: Person) -> None:
    """The generation rises and the cool-down counts; the same key again changes nothing."""
    event = house.event(live=True)
    (ticket,) = house.bought(fan, event)
    path = f"{ticket}/holder"
    first = good(fan.put(path, json=house.binding(good(fan.get(ticket)))))
    assert good(fan.put(path, json=house.binding(first)))["gen"] == 0
    second = good(fan.put(path, json=house.binding(first, OTHER_PHONE)))
    assert (second["gen"], second["holder"]) == (1, keys.public_key(OTHER_PHONE).hex())
    assert problem(fan.put(path, json=house.binding(second))) == (409, "reissue_cooldown")


WEAK = bytes([1]) + bytes(31)  # the neutral element: its one signature fits every message


def test_a_phones_proof_is_over_this_ticket_now(house: House, fan: Person) -> None:
    """Another tenant's, ticket's, generation's or key's proof is refused, and an old one."""
    (ticket,) = house.bought(fan, house.event())
    seen = good(fan.get(ticket))
    now = int(time.time())
    cases = [
        ("holder_proof_bad", house.binding(seen, tenant=uuid4())),
        ("holder_proof_bad", house.binding(seen, ticket=uuid4())),
        ("holder_proof_bad", house.binding(seen, gen=seen["gen"] + 1)),
        ("holder_proof_bad", house.binding(seen) | {"public": keys.public_key(OTHER_PHONE).hex()}),
        ("holder_proof_bad", house.binding(seen) | {"at": now - 5}),
        ("holder_proof_stale", house.binding(seen, at=now - 400)),
        ("holder_proof_stale", house.binding(seen, at=now + 400)),
        ("holder_key_weak", house.binding(seen) | {"public": WEAK.hex()}),
    ]
    for code, sent in cases:
        assert problem(fan.put(f"{ticket}/holder", json=sent)) == (400, code)
    short = house.binding(seen) | {"public": "00"}
    assert problem(fan.put(f"{ticket}/holder", json=short)) == (400, "invalid_request")
    assert good(fan.get(ticket)) == seen


def test_a_name_is_changed_until_doors(house: House, fan: Person) -> None:
    """Its owner no more afterwards; the organizer still."""
    event = house.event()
    (ticket,) = house.bought(fan, event)
    assert good(fan.patch(ticket, json={"attendee": "Ada"}))["attendee"] == "Ada"
    assert good(fan.patch(ticket, json={"attendee": None}))["attendee"] is None
    assert problem(fan.patch(ticket, json={"attendee": "a\nb"})) == (400, "invalid_request")
    house.set(event, "doors_at = now() - interval '1 minute'")
    assert problem(fan.patch(ticket, json={"attendee": "Eve"})) == (409, "doors_open")
    assert good(house.owner.patch(ticket, json={"attendee": "Eve"}))["attendee"] == "Eve"


def test_history_tells_the_organizer_who_and_why(house: House, fan: Person) -> None:
    """The owner sees every move too, but neither names nor reasons of others."""
    (ticket,) = house.bought(fan, house.event())
    good(house.owner.post(f"{ticket}/revoke", json={"reason": "Charged back"}))
    told = good(house.owner.get(f"{ticket}/moves", params={"limit": 200}))["items"]
    actor = f"account:{house.owner.account_id}"
    assert (told[-1]["move"], told[-1]["actor"], told[-1]["reason"]) == (
        "revoke", actor, "Charged back",
    )  # fmt: skip
    seen = good(fan.get(f"{ticket}/moves", params={"limit": 200}))["items"]
    assert [each["move"] for each in seen] == [each["move"] for each in told]
    assert (seen[-1]["actor"], seen[-1]["reason"]) == ("", "")
    page = good(fan.get(f"{ticket}/moves", params={"limit": 1}))
    rest = good(fan.get(f"{ticket}/moves", params={"cursor": page["next"]}))
    assert page["items"] + rest["items"] == seen
    again = house.owner.post(f"{ticket}/revoke", json={"reason": "Twice"})
    assert problem(again) == (409, "illegal_move")


def test_another_tenants_ticket_is_not_there(house: House, fan: Person) -> None:
    """To a rival owner, by either tenant's address, whatever they try."""
    (ticket,) = house.bought(fan, house.event())
    rival = house.service.person()
    theirs = house.service.tenant(rival)
    before = good(fan.get(ticket))
    for path in (ticket, ticket.replace(house.tenant.path, theirs.path)):
        answers = [
            rival.get(path), rival.get(f"{path}/moves"), rival.get(f"{path}/code.txt"),
            rival.post(f"{path}/reissue"), rival.post(f"{path}/block", json={"reason": "lost"}),
            rival.post(f"{path}/revoke", json={"reason": "x"}),
            rival.patch(path, json={"attendee": "Eve"}),
            rival.put(f"{path}/holder", json=house.binding(before)),
            rival.post(f"{path}/transfers", json={}),
        ]  # fmt: skip
        assert [problem(answer) for answer in answers] == [(404, "not_found")] * len(answers)
    assert good(fan.get(ticket)) == before
