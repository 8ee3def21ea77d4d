"""The fake's /v1: what it does as Stripe does, beyond what `StripeProvider` asks for."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.payments import processes
from tests.cloud.payments.processes import Running


def error(answer: httpx.Response) -> dict[str, Any]:
    """Return Stripe's error object."""
    said: dict[str, Any] = answer.json()["error"]
    assert {"type", "message"} <= said.keys()
    return said


def confirm(fake: Running, intent: dict[str, Any], card: str, **more: str) -> httpx.Response:
    """Pay with a card."""
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    return fake.post(path, {"payment_method": card, **more})


def read(fake: Running, kind: str, named: str) -> dict[str, Any]:
    """Read one object back."""
    answer = fake.http.get(f"/v1/{kind}/{named}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_replayed_answer_is_the_first_one(fake: Running) -> None:
    """The same key gives the same body and says that it was replayed."""
    form = {"amount": 500, "currency": "usd", "metadata[a]": "b"}
    first = fake.post("/v1/payment_intents", form, "replay")
    second = fake.post("/v1/payment_intents", form, "replay")
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["idempotency-key"] == "replay"


@pytest.mark.parametrize("path", ["/v1/payment_intents", "/v1/refunds"])
def test_a_key_is_bound_to_its_request(fake: Running, path: str) -> None:
    """Other parameters, or another address, under a used key are refused."""
    key = f"bound-{path}"
    fake.post("/v1/payment_intents", {"amount": 500, "currency": "usd"}, key)
    answer = fake.post(path, {"amount": 501, "currency": "usd"}, key)
    assert answer.status_code == 400
    assert error(answer)["type"] == "idempotency_error"


def test_one_key_at_once_has_one_effect(fake: Running) -> None:
    """Eight that send the same request at the same time get one intent."""
    ready, answers = threading.Barrier(8), list[httpx.Response]()

    def send() -> None:
        ready.wait()
        form = {"amount": 777, "currency": "usd"}
        answers.append(fake.post("/v1/payment_intents", form, "at-once"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7


def test_a_mistake_is_not_remembered(fake: Running) -> None:
    """After a request that made no sense, its key is free for the one that does."""
    key = "mistake"
    assert fake.post("/v1/payment_intents", {"amount": "x", "currency": "usd"}, key).is_error
    assert fake.post("/v1/payment_intents", {"amount": 500, "currency": "usd"}, key).is_success


@pytest.mark.parametrize(
    ("card", "code", "decline"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_decline_says_why(fake: Running, card: str, code: str, decline: str) -> None:
    """A declined card is a 402 with both codes, and the intent takes another card."""
    intent = fake.intent()
    answer = confirm(fake, intent, card)
    said = error(answer)
    assert answer.status_code == 402
    assert (said["type"], said["code"], said["decline_code"]) == ("card_error", code, decline)
    kept = read(fake, "payment_intents", intent["id"])
    assert said["payment_intent"] == kept
    assert (kept["status"], kept["amount_received"]) == ("requires_payment_method", 0)
    assert kept["last_payment_error"]["decline_code"] == decline
    charge = read(fake, "charges", said["charge"])
    assert (charge["status"], charge["paid"]) == ("failed", False)
    assert confirm(fake, intent, "pm_card_visa").json()["status"] == "succeeded"


def test_a_decline_is_replayed(fake: Running) -> None:
    """A decline is an answer: the same key does not try the card again."""
    intent = fake.intent()
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    form = {"payment_method": "pm_card_visa_chargeDeclined"}
    first, second = fake.post(path, form, "declined"), fake.post(path, form, "declined")
    assert (first.status_code, second.status_code) == (402, 402)
    assert error(first)["charge"] == error(second)["charge"]


def test_a_bank_may_ask_first(fake: Running) -> None:
    """A card with 3-D Secure leads to a page, and takes nothing before the buyer was there."""
    back = "https://example.org/back"
    answer = confirm(fake, fake.intent(), "pm_card_authenticationRequired", return_url=back)
    intent = answer.json()
    assert (intent["status"], intent["amount_received"]) == ("requires_action", 0)
    assert intent["next_action"]["type"] == "redirect_to_url"
    step = intent["next_action"]["redirect_to_url"]
    assert step["url"].startswith(f"{fake.address}/authenticate/")
    assert step["return_url"] == back


@pytest.mark.parametrize(
    ("card", "told", "kept", "left"),
    [
        ("pm_card_visa", "succeeded", "succeeded", 4100),
        ("pm_card_pendingRefund", "pending", "succeeded", 4100),
        ("pm_card_refundFail", "succeeded", "failed", 4200),
    ],
)
def test_a_refund_may_take_its_time_or_fail(
    fake: Running, card: str, told: str, kept: str, left: int
) -> None:
    """What is answered is not always what it comes to; a refund that failed is no refund."""
    intent = fake.paid(card)
    refund = fake.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 100}).json()
    assert refund["status"] == told
    assert read(fake, "refunds", refund["id"])["status"] == kept
    charge = read(fake, "charges", intent["latest_charge"])
    assert charge["amount"] - charge["amount_refunded"] == left


def test_a_refund_without_amount_is_of_the_rest(fake: Running) -> None:
    """What is left is given back, and then there is nothing to give."""
    intent = fake.paid()
    form = {"payment_intent": intent["id"]}
    assert fake.post("/v1/refunds", {**form, "amount": 1200}).json()["amount"] == 1200
    rest = fake.post("/v1/refunds", {"charge": intent["latest_charge"]}).json()
    assert (rest["amount"], rest["payment_intent"]) == (3000, intent["id"])
    assert read(fake, "charges", intent["latest_charge"])["refunded"] is True
    assert error(fake.post("/v1/refunds", form))["code"] == "charge_already_refunded"


@pytest.mark.parametrize(
    ("path", "form", "param"),
    [
        ("payment_intents", {"currency": "eur"}, "amount"),
        ("payment_intents", {"amount": "", "currency": "eur"}, "amount"),
        ("payment_intents", {"amount": "12.5", "currency": "eur"}, "amount"),
        ("payment_intents", {"amount": "-500", "currency": "eur"}, "amount"),
        ("payment_intents", {"amount": "9" * 30, "currency": "eur"}, "amount"),
        ("payment_intents", {"amount": "100000000", "currency": "eur"}, "amount"),
        ("payment_intents", {"amount[a]": "500", "currency": "eur"}, "amount"),
        ("payment_intents", {"amount": "500"}, "currency"),
        ("payment_intents", {"amount": "500", "currency": "euro"}, "currency"),
        ("payment_intents", {"amount": "500", "currency": "zzz"}, "currency"),
        ("payment_intents", {"amount": "550", "currency": "isk"}, "amount"),
        ("payment_intents", {"amount": "5124", "currency": "kwd"}, "amount"),
        ("payment_intents", {"amount": "500", "currency": "eur", "colour": "red"}, "colour"),
        ("payment_intents", {"amount": "500", "currency": "eur", "confirm": "si"}, "confirm"),
        (
            "payment_intents",
            {"amount": "500", "currency": "eur", "metadata": "x"},
            "metadata",
        ),
        (
            "payment_intents",
            {"amount": "500", "currency": "eur", "metadata[a]": "x" * 501},
            "metadata[a]",
        ),
        (
            "payment_intents",
            {"amount": "500", "currency": "eur", "payment_method": "pm_none"},
            "payment_method",
        ),
        ("refunds", {"amount": "500"}, "payment_intent"),
        ("refunds", {"payment_intent": "pi_none"}, "payment_intent"),
        ("refunds", {"charge": "ch_none"}, "charge"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(
    fake: Running, path: str, form: dict[str, str], param: str
) -> None:
    """Bad input is a 400 that names the parameter, and makes nothing."""
    before = fake.http.get("/_test/sums").json()
    answer = fake.post(f"/v1/{path}", form)
    assert answer.status_code == 400
    assert error(answer)["type"] == "invalid_request_error"
    assert error(answer)["param"] == param
    assert fake.http.get("/_test/sums").json() == before


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer sk_test_another", "Basic c2s6"])
@pytest.mark.parametrize("path", ["/v1/payment_intents", "/_test/deliveries", "/v1/events"])
def test_the_secret_key_is_asked_for(fake: Running, path: str, key: str) -> None:
    """Without it there is a 401 and nothing else."""
    answer = httpx.get(fake.address + path, headers={"Authorization": key}, trust_env=False)
    assert answer.status_code == 401
    assert answer.json().keys() == {"error"}


def test_lists_come_in_pages(fake: Running) -> None:
    """The newest come first; a page tells whether there are more, and they join without a gap."""
    made = [fake.intent()["id"] for _ in range(5)]
    first = fake.http.get("/v1/payment_intents", params={"limit": 2}).json()
    assert [intent["id"] for intent in first["data"]] == made[:2:-1]
    assert first["has_more"] is True
    second = fake.http.get(
        "/v1/payment_intents", params={"limit": 3, "starting_after": made[3]}
    ).json()
    assert [intent["id"] for intent in second["data"]] == made[2::-1]
    back = fake.http.get(
        "/v1/payment_intents", params={"limit": 2, "ending_before": made[0]}
    ).json()
    assert [intent["id"] for intent in back["data"]] == [made[2], made[1]]


def test_events_tell_what_happened_in_order(fake: Running) -> None:
    """Each change of a payment is an event with the object as it then was."""
    newest = fake.http.get("/v1/events", params={"limit": 1}).json()["data"]
    intent = fake.paid()
    fake.post("/v1/refunds", {"payment_intent": intent["id"]}, "an-event")
    params = {"limit": 100, **({"ending_before": newest[0]["id"]} if newest else {})}
    events = fake.http.get("/v1/events", params=params).json()["data"][::-1]
    assert [event["type"] for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.refunded",
        "refund.created",
    ]
    assert events[0]["data"]["object"]["status"] == "requires_confirmation"
    assert events[2]["data"]["object"] == read(fake, "payment_intents", intent["id"])
    assert events[4]["request"]["idempotency_key"] == "an-event"
    chosen = fake.http.get(
        "/v1/events", params={"types[]": ["refund.created", "charge.refunded"], "limit": 2}
    ).json()["data"]
    assert [event["id"] for event in chosen] == [events[4]["id"], events[3]["id"]]


def test_the_same_seed_and_clock_give_the_same_ids(tmp_path: Path) -> None:
    """Two runs of one seed, with the clock stopped, tell the same down to the secret."""
    told = []
    for name in ("one", "two"):
        options = ("--seed", "7", "--stopped-at", "1795000000")
        with processes.fake(tmp_path / name, *options) as running:
            made = running.paid()
            running.test("clock", advance=60)
            told.append((made, running.intent()))
    assert told[0] == told[1]
    assert told[0][0]["created"] == 1795000000
    assert told[0][1]["created"] == 1795000060


def test_a_key_is_forgotten_after_a_day(anew: Running) -> None:
    """As with Stripe, a key older than a day is a new one."""
    form = {"amount": 500, "currency": "usd"}
    first = anew.post("/v1/payment_intents", form, "day").json()["id"]
    anew.test("clock", advance=23 * 3600)
    assert anew.post("/v1/payment_intents", form, "day").json()["id"] == first
    anew.test("clock", advance=3600)
    assert anew.post("/v1/payment_intents", form, "day").json()["id"] != first


def test_sums_tell_where_the_money_is(anew: Running) -> None:
    """What was taken and what went back can be counted, for tests that look at all the money."""
    anew.paid(amount=1000)
    intent = anew.paid(amount=2000)
    anew.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 500})
    sums = anew.http.get("/_test/sums").json()["sums"]
    assert {(each["kind"], each["status"], each["count"], each["amount"]) for each in sums} == {
        ("payment_intent", "succeeded", 2, 3000),
        ("charge", "succeeded", 2, 3000),
        ("refund", "succeeded", 1, 500),
    }


def test_lists_are_of_a_time(anew: Running) -> None:
    """`created` cuts a list at both ends, so that who was away reads only what it missed."""
    made = []
    for _ in range(3):
        made.append(anew.intent())
        anew.test("clock", advance=100)
    second = made[1]["created"]
    for bounds, expected in (
        ({"created[gte]": second}, [made[2], made[1]]),
        ({"created[gt]": second}, [made[2]]),
        ({"created[lt]": second}, [made[0]]),
        ({"created[lte]": second, "created[gt]": made[0]["created"]}, [made[1]]),
        ({"created": second}, [made[1]]),
    ):
        page = anew.http.get("/v1/payment_intents", params=bounds).json()
        assert page["data"] == expected, bounds
