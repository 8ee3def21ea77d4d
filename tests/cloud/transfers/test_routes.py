"""Handing a ticket over, from the offer to the new code, over real HTTP."""

import time
from uuid import UUID, uuid4

import msgspec
import pytest

from cloud.keys.sealing import MasterKey
from cloud.tickets.model_holder import prove
from cloud.transfers.acts import opened
from shared import keys, token
from tests.cloud.service import MASTER_KEY, Person, Service, good, problem
from tests.cloud.transfers.people import Fans

PHONE = b"\x51" * 32


@pytest.fixture(scope="module")
def fans(service: Service) -> Fans:
    """The people of this file."""
    return Fans(service)


def test_a_ticket_goes_from_one_to_another(fans: Fans) -> None:
    """The recipient owns it with a new code; the old owner and the old code are out."""
    ticket = fans.ticket()
    good(fans.ada.patch(ticket, json={"attendee": "Ada"}))
    before = token.parse(fans.ada.get(f"{ticket}/code.txt").text).token
    made = fans.offer(ticket)
    shown = good(fans.service.client().post(f"{fans.path}/look", json={"secret": made["secret"]}))
    assert (shown["event"], shown["gen"], shown["addressed"]) == ("Spring Night", 0, False)
    done = good(fans.accept(fans.ben, made, attendee="Ben"))
    assert (done["state"], done["recipient"]) == ("accepted", str(fans.ben.account_id))
    seen = good(fans.ben.get(ticket))
    assert (seen["gen"], seen["attendee"], seen["email"]) == (1, "Ben", None)
    after = token.parse(fans.ben.get(f"{ticket}/code.txt").text).token
    assert after == before._replace(gen=1)
    assert problem(fans.ada.get(ticket)) == (404, "not_found")
    assert problem(fans.ada.get(f"{ticket}/code.txt")) == (404, "not_found")
    moves = good(fans.owner.get(f"{ticket}/moves"))["items"]
    assert (moves[-1]["move"], moves[-1]["actor"]) == (
        "transfer", f"account:{fans.ben.account_id}",
    )  # fmt: skip


def test_the_recipient_is_told_nothing_of_the_giver(fans: Fans) -> None:
    """Neither by which order the ticket was bought, nor what happened to it before."""
    ticket = fans.ticket()
    order = good(fans.ada.get(ticket))["order_id"]
    assert order is not None
    good(fans.ada.post(f"{ticket}/reissue"))
    good(fans.accept(fans.ben, fans.offer(ticket)))
    assert good(fans.ben.get(ticket))["order_id"] is None
    listed = good(fans.ben.get(f"{fans.tenant.path}/tickets"))["items"]
    assert {each["ticket"]["order_id"] for each in listed} == {None}
    assert good(fans.ben.patch(ticket, json={"attendee": "Ben"}))["order_id"] is None
    assert good(fans.owner.get(ticket))["order_id"] == order
    (held,) = good(fans.ben.get("/v1/accounts/me/export"))["organizers"]
    assert {each["order_id"] for each in held["tickets"]} == {None}
    moves = [each["move"] for each in held["moves"] if each["ticket_id"] == ticket[-36:]]
    assert moves == ["transfer"]
    assert order not in str(held)


def test_a_phones_key_comes_with_the_acceptance(fans: Fans) -> None:
    """A live ticket is bound to the recipient's phone at once; a foreign proof is refused."""
    ticket = fans.ticket(fans.event(live=True))
    made = fans.offer(ticket)
    at, tenant, its_id = int(time.time()), fans.tenant.tenant_id, UUID(ticket[-36:])
    bad = prove(PHONE, tenant, uuid4(), 0, at)
    sent = {"public": bad.public, "at": bad.at, "proof": bad.proof}
    assert problem(fans.accept(fans.ben, made, holder=sent)) == (400, "holder_proof_bad")
    proved = prove(PHONE, tenant, its_id, 0, at)
    sent = {"public": proved.public, "at": proved.at, "proof": proved.proof}
    good(fans.accept(fans.ben, made, holder=sent))
    parsed = token.parse(fans.ben.get(f"{ticket}/code.txt").text).token
    assert (parsed.gen, parsed.holder_pk) == (1, keys.public_key(PHONE))


def test_without_a_key_the_old_phone_is_unbound(fans: Fans) -> None:
    """A live ticket that was handed over has no code until the recipient binds a phone."""
    ticket = fans.ticket(fans.event(live=True))
    proved = prove(PHONE, fans.tenant.tenant_id, UUID(ticket[-36:]), 0, int(time.time()))
    sent = {"public": proved.public, "at": proved.at, "proof": proved.proof}
    good(fans.ada.put(f"{ticket}/holder", json=sent))
    good(fans.accept(fans.ben, fans.offer(ticket)))
    seen = good(fans.ben.get(ticket))
    assert (seen["holder"], seen["code"], seen["gen"]) == (None, "bind_first", 1)


def test_an_addressed_offer_is_for_its_address_alone(fans: Fans) -> None:
    """Whatever its spelling; an account whose address is not proved is another's."""
    ticket = fans.ticket()
    made = fans.offer(ticket, email=fans.ben.email.upper())
    assert problem(fans.accept(fans.eve, made)) == (403, "transfer_other_address")
    _prove_address(fans, fans.ben, "NULL")
    assert problem(fans.accept(fans.ben, made)) == (403, "transfer_other_address")
    assert _received(fans, fans.ben) == []
    _prove_address(fans, fans.ben, "now()")
    assert _received(fans, fans.ben) == [made["transfer"]["transfer_id"]]
    good(fans.accept(fans.ben, made))


def _prove_address(fans: Fans, who: Person, when: str) -> None:
    fans.service.database.run(
        f"UPDATE account SET email_verified_at = {when} WHERE account_id = '{who.account_id}'"
    )


def _received(fans: Fans, who: Person) -> list[str]:
    page = good(who.get(fans.path, params={"direction": "received"}))
    return [each["transfer_id"] for each in page["items"] if each["state"] == "offered"]


def test_the_secret_is_stored_hashed_and_mailed_sealed(fans: Fans) -> None:
    """Messages carry ids; only the one that a mail is made from has the secret, sealed."""
    ticket = fans.ticket()
    made = fans.offer(ticket, email=fans.ben.email)
    good(fans.accept(fans.ben, made))
    stored = fans.rows("SELECT t::text AS row FROM transfer t WHERE ticket_id = $1",
                       UUID(ticket[-36:]))[0]["row"]  # fmt: skip
    assert made["secret"] not in stored
    offered, accepted = fans.told(ticket)
    assert (offered["topic"], accepted["topic"]) == ("transfer.offered", "transfer.accepted")
    for message in (offered, accepted):
        assert made["secret"] not in message["payload"]
        assert fans.ben.email not in message["payload"]
        assert str(fans.ada.account_id) in message["payload"]
    assert str(fans.ben.account_id) in accepted["payload"]
    payload = msgspec.json.decode(offered["payload"])
    assert opened(MasterKey(bytes.fromhex(MASTER_KEY)), payload) == made["secret"]


def test_one_offer_of_a_ticket_is_open(fans: Fans) -> None:
    """Another waits until it was cancelled; a cancelled link is dead, and cancelling repeats."""
    ticket = fans.ticket()
    made = fans.offer(ticket)
    refused = fans.ada.post(f"{ticket}/transfers", json={})
    assert problem(refused) == (409, "transfer_open")
    place = f"{fans.path}/{refused.json()['transfer_id']}"
    assert problem(fans.ben.delete(place)) == (404, "not_found")
    for _ in range(2):
        assert good(fans.ada.delete(place))["state"] == "cancelled"
    assert problem(fans.accept(fans.ben, made)) == (409, "transfer_over")
    good(fans.accept(fans.ben, fans.offer(ticket)))
    assert [each["topic"] for each in fans.told(ticket)] == [
        "transfer.offered", "transfer.cancelled", "transfer.offered", "transfer.accepted",
    ]  # fmt: skip


def test_a_new_code_voids_an_open_offer(fans: Fans) -> None:
    """What was offered is no more; and another offer may take its place."""
    ticket = fans.ticket()
    made = fans.offer(ticket)
    good(fans.ada.post(f"{ticket}/reissue"))
    assert problem(fans.accept(fans.ben, made)) == (409, "transfer_void")
    good(fans.accept(fans.ben, fans.offer(ticket)))


def test_a_declined_offer_is_over(fans: Fans) -> None:
    """By whom it was meant for, not by its sender; the ticket stays where it was."""
    ticket = fans.ticket()
    made = fans.offer(ticket, email=fans.ben.email)
    said = {"secret": made["secret"]}
    assert problem(fans.ada.post(f"{fans.path}/decline", json=said)) == (409, "transfer_to_self")
    assert problem(fans.eve.post(f"{fans.path}/decline", json=said))[0] == 403
    assert good(fans.ben.post(f"{fans.path}/decline", json=said))["state"] == "declined"
    assert problem(fans.ben.post(f"{fans.path}/decline", json=said)) == (409, "transfer_over")
    assert problem(fans.accept(fans.ben, made)) == (409, "transfer_over")
    assert good(fans.ada.get(ticket))["gen"] == 0


def test_an_offer_lapses(fans: Fans) -> None:
    """It can't be accepted or declined from that moment on, and the sweep ends it and tells."""
    ticket = fans.ticket()
    made = fans.offer(ticket, expires_in=300)
    its_id = made["transfer"]["transfer_id"]
    fans.service.database.run(
        f"UPDATE transfer SET expires_at = now() - interval '1 s' WHERE transfer_id = '{its_id}'"
    )
    assert problem(fans.accept(fans.ben, made)) == (409, "transfer_lapsed")
    said = {"secret": made["secret"]}
    assert problem(fans.ben.post(f"{fans.path}/decline", json=said)) == (409, "transfer_lapsed")
    fans.service.work()
    assert good(fans.ada.get(f"{fans.path}/{its_id}"))["state"] == "lapsed"
    assert [each["topic"] for each in fans.told(ticket)] == ["transfer.offered", "transfer.lapsed"]
    fans.offer(ticket)


def test_what_forbids_a_transfer_forbids_offering_and_accepting(fans: Fans) -> None:
    """The freeze before doors, the event's and the class's rule, a block, a known check-in."""
    event = fans.event()
    ticket = fans.ticket(event)
    made = fans.offer(ticket)
    where = f"WHERE event_id = '{event.event_id}'"
    changes = [
        ("transfer_frozen", "event", "transfer_freeze = 31 * 86400", "transfer_freeze = 3600"),
        ("transfer_off", "event", "transfers = false", "transfers = true"),
        ("transfer_off", "ticket_class", "transferable = false", "transferable = true"),
        ("ticket_blocked", "ticket", "blocked = true", "blocked = false"),
    ]
    for code, table, change, back in changes:
        fans.service.database.run(f"UPDATE {table} SET {change} {where}")
        assert problem(fans.accept(fans.ben, made)) == (409, code)
        assert problem(fans.ada.post(f"{ticket}/transfers", json={})) == (409, code)
        fans.service.database.run(f"UPDATE {table} SET {back} {where}")
    assert problem(fans.accept(fans.ada, made)) == (409, "transfer_to_self")
    good(fans.accept(fans.ben, made))


def test_nobody_offers_a_ticket_to_themselves(fans: Fans) -> None:
    """Whatever the letters of their address look like; no offer is open then."""
    ticket = fans.ticket()
    own = fans.ada.post(f"{ticket}/transfers", json={"email": fans.ada.email.upper()})
    assert problem(own) == (409, "transfer_to_self")
    fans.offer(ticket, email=fans.ben.email)


def test_offers_are_listed_for_who_made_and_who_got_them(fans: Fans) -> None:
    """Page by page, the newest first; a third person sees none of it."""
    sender, friend = fans.service.person(), fans.service.person()
    event, made = fans.event(), []
    for _ in range(3):
        order = fans.service.buy(sender, event)
        rows = fans.rows("SELECT ticket_id FROM ticket WHERE order_id = $1",
                         UUID(order["order_id"]))  # fmt: skip
        path = f"{event.path}/tickets/{rows[0]['ticket_id']}/transfers"
        made.append(good(sender.post(path, json={})))
    good(fans.accept(friend, made[0]))
    ids = [each["transfer"]["transfer_id"] for each in made]
    first = good(sender.get(fans.path, params={"limit": 2}))
    rest = good(sender.get(fans.path, params={"limit": 2, "cursor": first["next"]}))
    assert [each["transfer_id"] for each in first["items"] + rest["items"]] == ids[::-1]
    got = good(friend.get(fans.path, params={"direction": "received"}))["items"]
    assert [each["transfer_id"] for each in got] == ids[:1]
    for who, status in ((sender, 200), (friend, 200), (fans.owner, 200), (fans.eve, 404)):
        assert who.get(f"{fans.path}/{ids[0]}").status_code == status


def test_a_wrong_secret_finds_nothing(fans: Fans) -> None:
    """In this tenant and, with a right one, in another."""
    made = fans.offer(fans.ticket())
    rival = fans.service.tenant(fans.eve)
    for path, secret in ((fans.path, "ust_wrong"), (f"{rival.path}/transfers", made["secret"])):
        for act in ("look", "accept", "decline"):
            answer = fans.eve.post(f"{path}/{act}", json={"secret": secret})
            assert problem(answer) == (404, "not_found")
    assert problem(fans.eve.post(f"{fans.path}/accept", json={})) == (400, "invalid_request")


def test_an_offer_that_is_sent_twice_is_one(fans: Fans) -> None:
    """With an idempotency key the same secret is answered again."""
    ticket = fans.ticket()
    key = {"idempotency-key": str(uuid4())}
    answers = [fans.ada.post(f"{ticket}/transfers", json={}, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(fans.told(ticket)) == 1
