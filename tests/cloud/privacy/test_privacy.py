"""A person's data: handed out whole, and erased until nothing of it is left anywhere."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from shared.token import encode_text
from tests.cloud.database import Database
from tests.cloud.service import PASSWORD, Event, Person, Service, Tenant, good, problem

NAME: Final = "Ottilie Zwanzigpfennig"
ANSWER: Final = "Wheelchair, Zwanzigpfennig"
TEXTS: Final = """
    SELECT c.table_name AS table, c.column_name AS column
      FROM information_schema.columns c
      JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
       AND (c.data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY'))
"""
# Bytes are searched as hex, and once more as the text that they may be.
HOLDS: Final = """
    SELECT '{0}.{1}' AS place WHERE EXISTS (
        SELECT FROM "{0}" AS t, unnest($1::text[]) AS w (word)
         WHERE position(w.word IN lower(t."{1}"::text)) > 0
            OR position(w.word IN lower(encode(t."{1}"::text::bytea, 'escape'))) > 0)
"""
TOKEN: Final = "SELECT token FROM ticket WHERE ticket_id = $1"


@dataclass(frozen=True)
class Guest:
    """Somebody with a ticket, whose name and address stand wherever they may."""

    person: Person
    ticket: UUID
    order: str


@dataclass(frozen=True)
class Scene:
    """An organizer with an event, and what a test needs of it."""

    service: Service
    owner: Person
    tenant: Tenant
    event: Event

    def guest(self, email: str) -> Guest:
        """Return a buyer of one ticket."""
        person = self.service.person(email)
        good(person.patch("/v1/accounts/me", json={"name": NAME}))
        order = self.service.buy(person, self.event)
        ticket = UUID(order["items"][0]["ticket_id"])
        self.write_down(person, ticket)
        return Guest(person, ticket, order["order_id"])

    def write_down(self, person: Person, ticket: UUID) -> None:
        """Put name and address wherever the schema has room for a person's."""
        tenant, event = self.tenant.tenant_id, self.event.event_id
        mail, shouted = person.email, person.email.upper()
        self.service.database.run(
            f"""
            SELECT set_config('app.tenant', '{tenant}', false), set_config('app.actor', 't', false);
            UPDATE ticket SET attendee = '{NAME}', email = '{shouted}'
             WHERE ticket_id = '{ticket}';
            INSERT INTO transfer (event_id, ticket_id, gen, sender, recipient, email, hash, state,
                                  expires_at, ended_at)
            SELECT '{event}', '{ticket}', 0, '{self.owner.account_id}', '{person.account_id}',
                   '{mail}', sha256(gen_random_uuid()::text::bytea), state, now(), now()
              FROM unnest(ARRAY['accepted', 'cancelled']) AS s (state);
            INSERT INTO invitation (email, role, hash, expires_at)
            VALUES ('{mail}', 'scanner', sha256(gen_random_uuid()::text::bytea), now());
            WITH list AS (
                INSERT INTO job (kind, state, input) VALUES ('guests', 'running', '{{}}')
                RETURNING job_id)
            INSERT INTO guest (job_id, place, line, class_index, name, email)
            SELECT job_id, 0, 1, 0, '{NAME}', '{shouted}' FROM list;
            INSERT INTO attachment (record_id, ticket, body)
            SELECT uuid_send(gen_random_uuid()), hash, '{ANSWER} {mail}' FROM ticket
             WHERE ticket_id = '{ticket}';
            INSERT INTO identity (issuer, subject, account_id)
            VALUES ('https://id.example', '{mail}/' || gen_random_uuid(),
                    '{person.account_id}');
            """
        )

    def redeem(self, ticket: UUID) -> Any:
        """Scan a ticket's code online."""
        token = self.service.database.rows(TOKEN, ticket)[0]["token"]
        said = {"gate": 1, "code": encode_text(token)}
        return good(self.owner.post(f"{self.event.path}/redeem", json=said))


@pytest.fixture(scope="module")
def scene(service: Service) -> Scene:
    """One organizer, one event."""
    owner = service.person()
    tenant = service.tenant(owner)
    return Scene(service, owner, tenant, service.event(owner, tenant))


def found(database: Database, *words: str) -> list[str]:
    """Return where any of some words stands, in any column of any table, whatever its case."""
    wanted = [word.lower() for word in words]
    wanted += [word.lower().encode().hex() for word in words]
    places = [(row["table"], row["column"]) for row in database.rows(TEXTS)]
    each = " UNION ALL ".join(HOLDS.format(table, column) for table, column in places)
    return [row["place"] for row in database.rows(each, wanted)]


def erase(person: httpx.Client, **said: Any) -> httpx.Response:
    """Ask to be erased."""
    return person.post("/v1/accounts/me/erase", json=said)


@pytest.fixture
def erased(scene: Scene, request: pytest.FixtureRequest) -> Guest:
    """A guest who has been erased."""
    name = str(request.node.name).replace("[", "-").replace("]", "")
    guest = scene.guest(f"{name.replace('_', '-')[:40]}@example.org")
    good(erase(guest.person, password=PASSWORD, confirm=True), 200)
    return guest


def test_the_search_finds_what_there_is(scene: Scene) -> None:
    """In texts, in JSON, in bytes and in capitals: else the tests below would prove nothing."""
    guest = scene.guest("seeker@example.org")
    places = set(found(scene.service.database, guest.person.email, NAME))
    assert {
        "account.email", "account.name", "attachment.body", "identity.subject",
        "invitation.email", "guest.name", "guest.email", "ticket.attendee", "ticket.email",
        "transfer.email",
    } <= places  # fmt: skip
    good(erase(guest.person, password=PASSWORD, confirm=True))


def test_nothing_of_the_erased_is_left_anywhere(scene: Scene, erased: Guest) -> None:
    """No column of any table has the address or the name."""
    local = erased.person.email.partition("@")[0]
    assert found(scene.service.database, erased.person.email, local, NAME, ANSWER) == []


def test_no_act_of_theirs_says_where_it_came_from(scene: Scene, erased: Guest) -> None:
    """The acts stay, by the account's id, without an address."""
    actor = f"account:{erased.person.account_id}"
    for table in ("audit", "platform_audit"):
        rows = scene.service.database.rows(
            f"SELECT address FROM {table} WHERE actor = $1 OR subject = $1", actor
        )
        assert rows
        assert {row["address"] for row in rows} == {None}


def test_the_ticket_of_the_erased_admits(scene: Scene, erased: Guest) -> None:
    """Its code verifies and redeems, and no name is shown."""
    answer = scene.redeem(erased.ticket)
    assert (answer["signal"], answer["attendee"]) == ("green", "")
    assert answer["ticket_id"] == str(erased.ticket)


def test_the_money_of_the_erased_stays_booked(scene: Scene, erased: Guest) -> None:
    """The order is there, by the account's id, and the books balance."""
    order = good(scene.owner.get(f"{scene.tenant.path}/orders/{erased.order}"))
    assert (order["state"], order["account_id"]) == ("paid", str(erased.person.account_id))
    balances = good(scene.owner.get(f"{scene.tenant.path}/books/balances"))
    assert sum(each["balance"] for each in balances) == 0


def test_the_erased_are_signed_out_and_can_not_come_back(scene: Scene, erased: Guest) -> None:
    """Tokens are void at once, the password opens nothing, and the address is free again."""
    assert erased.person.get("/v1/accounts/me").status_code == 401
    assert erased.person.get(f"{scene.tenant.path}/orders").status_code == 401
    said = {"email": erased.person.email, "password": PASSWORD}
    assert scene.service.client().post("/v1/sessions", json=said).status_code == 401
    again = scene.service.person(erased.person.email)
    assert again.account_id != erased.person.account_id


def test_tickets_for_events_to_come_need_a_second_thought(scene: Scene) -> None:
    """They are named, nothing is done, and `confirm` goes on."""
    guest = scene.guest("thinking@example.org")
    answer = erase(guest.person, password=PASSWORD)
    assert problem(answer) == (409, "erase_future_tickets")
    (event,) = answer.json()["events"]
    assert (event["event_id"], event["tickets"]) == (str(scene.event.event_id), 1)
    assert good(guest.person.get("/v1/accounts/me"))["name"] == NAME
    good(erase(guest.person, password=PASSWORD, confirm=True))


def test_an_organizers_only_owner_stays_until_there_is_another(service: Service) -> None:
    """Nobody could run it any more."""
    owner = service.person()
    tenant = service.tenant(owner)
    answer = erase(owner, password=PASSWORD)
    assert problem(answer) == (409, "erase_sole_owner")
    assert answer.json()["tenants"] == [str(tenant.tenant_id)]
    second = service.person()
    service.database.run(
        f"INSERT INTO member (tenant_id, account_id, role)"
        f" VALUES ('{tenant.tenant_id}', '{second.account_id}', 'owner')"
    )
    good(erase(owner, password=PASSWORD))
    rows = service.database.rows(
        "SELECT account_id FROM member WHERE tenant_id = $1", tenant.tenant_id
    )
    assert [row["account_id"] for row in rows] == [second.account_id]


def test_a_password_or_a_sign_in_just_now(service: Service) -> None:
    """A token that lies around erases nobody."""
    person = service.person()
    assert problem(erase(person, password="wrong horse battery")) == (403, "erase_sign_in")
    service.database.run(
        f"UPDATE session SET created_at = now() - interval '11 minutes'"
        f" WHERE account_id = '{person.account_id}'"
    )
    assert problem(erase(person)) == (403, "erase_sign_in")
    good(erase(person, password=PASSWORD))
    assert good(erase(service.person()), 200)["tickets"] == 0


def test_an_unproved_address_erases_nothing_of_others(scene: Scene) -> None:
    """Whoever signs up with somebody's address can't wipe what organizers hold of them."""
    service, mail = scene.service, "victim@example.org"
    scene.write_down(scene.guest(mail).person, scene.guest("other@example.org").ticket)
    service.database.run(f"UPDATE account SET email_verified_at = NULL WHERE email = '{mail}'")
    thief = good(service.client().post("/v1/sessions", json={"email": mail, "password": PASSWORD}))
    client = service.client(f"Bearer {thief['access_token']}")
    organizers = good(client.get("/v1/accounts/me/export"))["organizers"]
    assert [each for org in organizers for each in org["invitations"]] == []
    good(erase(client, password=PASSWORD, confirm=True))
    left = set(found(service.database, mail))
    assert {"invitation.email", "guest.email"} <= left
    service.database.run("DELETE FROM invitation; DELETE FROM guest;")


def test_an_offer_to_the_erased_is_not_open_to_whoever_has_the_link(scene: Scene) -> None:
    """Without its address it would be: so it is declined."""
    guest = scene.guest("offered@example.org")
    scene.service.database.run(
        f"""INSERT INTO transfer (tenant_id, event_id, ticket_id, gen, sender, email, hash,
                                  expires_at)
            VALUES ('{scene.tenant.tenant_id}', '{scene.event.event_id}', '{guest.ticket}', 0,
                    '{scene.owner.account_id}', 'offered@example.org', sha256('y'),
                    now() + interval '1 day')"""
    )
    good(erase(guest.person, password=PASSWORD, confirm=True))
    rows = scene.service.database.rows(
        "SELECT state, email, ended_at IS NULL AS open FROM transfer WHERE hash = sha256('y')"
    )
    assert [tuple(row) for row in rows] == [("declined", None, False)]


def test_an_export_has_all_of_it(scene: Scene) -> None:
    """Profile, sessions, orders, tickets and their moves, transfers, check-ins, own acts."""
    guest = scene.guest("curious@example.org")
    scene.redeem(guest.ticket)
    whole = good(guest.person.get("/v1/accounts/me/export"))
    assert whole["profile"]["email"] == guest.person.email
    assert len(whole["sessions"]) == len(whole["identities"]) == 1
    assert "session.begun" in {act["action"] for act in whole["acts"]}
    (held,) = whole["organizers"]
    assert held["tenant_id"] == str(scene.tenant.tenant_id)
    assert [order["order_id"] for order in held["orders"]] == [guest.order]
    assert [ticket["attendee"] for ticket in held["tickets"]] == [NAME]
    assert {move["move"] for move in held["moves"]} >= {"create", "hold", "pay"}
    assert [each["you_are"] for each in held["transfers"]] == ["recipient"] * 2
    assert [entry["kind"] for entry in held["check_ins"]][:1] == ["in"]
    assert [each["body"] for each in held["answers"]] == [f"{ANSWER} {guest.person.email}"]
    assert "argon2" not in json.dumps(whole)
    of_owner = good(scene.owner.get("/v1/accounts/me/export"))["organizers"][0]
    assert "event.published" in {act["action"] for act in of_owner["acts"]}


def test_an_export_goes_through_every_organizer_and_shows_nobody_else(service: Service) -> None:
    """Two tenants in one document; another buyer's rows in neither."""
    buyer, other = service.person(), service.person()
    held = []
    for _ in range(2):
        owner = service.person()
        event = service.event(owner, service.tenant(owner))
        held.append(service.buy(buyer, event)["order_id"])
        service.buy(other, event)
    organizers = good(buyer.get("/v1/accounts/me/export"))["organizers"]
    assert sorted(o["order_id"] for each in organizers for o in each["orders"]) == sorted(held)
    assert {len(each["tickets"]) for each in organizers} == {1}


def test_an_organizer_erases_a_guest_without_an_account(scene: Scene) -> None:
    """By address, in that tenant alone, and the ticket still admits."""
    database, mail = scene.service.database, "guest-list@example.org"
    holder = scene.guest("holder@example.org")
    database.run(
        f"SELECT set_config('app.actor', 't', false);"
        f"UPDATE ticket SET account_id = NULL, email = '{mail}' WHERE ticket_id = '{holder.ticket}'"
    )
    erased = good(
        scene.owner.post(f"{scene.tenant.path}/privacy/erase", json={"email": mail.upper()})
    )
    assert (erased["tickets"], erased["answers"]) == (1, 1)
    assert found(database, mail) == []
    assert scene.redeem(holder.ticket)["signal"] == "green"
    again = scene.owner.post(f"{scene.tenant.path}/privacy/erase", json={"email": mail})
    assert set(good(again).values()) == {0}


def test_an_organizer_erases_nobody_who_has_an_account(scene: Scene) -> None:
    """That is the account's own to do: its tickets keep their names."""
    guest = scene.guest("member@example.org")
    said = {"email": guest.person.email}
    good(scene.owner.post(f"{scene.tenant.path}/privacy/erase", json=said))
    rows = scene.service.database.rows(
        "SELECT attendee FROM ticket WHERE ticket_id = $1", guest.ticket
    )
    assert rows[0]["attendee"] == NAME


def test_erasing_guests_takes_a_scope(scene: Scene, service: Service) -> None:
    """A fan finds nothing there; staff may not."""
    fan = service.person()
    path, said = f"{scene.tenant.path}/privacy/erase", {"email": "x@example.org"}
    assert problem(fan.post(path, json=said)) == (404, "not_found")
    service.database.run(
        f"INSERT INTO member (tenant_id, account_id, role)"
        f" VALUES ('{scene.tenant.tenant_id}', '{fan.account_id}', 'staff')"
    )
    assert problem(fan.post(path, json=said)) == (403, "scope_missing")
