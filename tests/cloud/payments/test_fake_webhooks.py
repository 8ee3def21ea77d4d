"""The fake's webhooks: in time, and twice, late, in another order, or never, as asked."""

import time
from pathlib import Path
from typing import Any

from tests.cloud.payments import processes
from tests.cloud.payments.letterbox import Letterbox
from tests.cloud.payments.processes import SECRET, Running

PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def settled(posting: Running, count: int) -> list[str]:
    """Return the states of all deliveries once *count* are done with."""
    while True:
        states = [each["state"] for each in posting.deliveries()]
        if states.count("sent") == count:
            return states
        time.sleep(0.02)


def test_every_event_is_sent_signed(posting: Running, letterbox: Letterbox) -> None:
    """Each event arrives once, passes `verify`, and is the one that /v1/events lists."""
    posting.paid()
    letters = letterbox.wait(3)
    assert sorted(letter.event().type for letter in letters) == sorted(PAID)
    listed = posting.http.get("/v1/events").json()["data"]
    assert {letter.event().id for letter in letters} == {event["id"] for event in listed}
    assert settled(posting, 3) == ["sent"] * 3


def test_what_is_refused_is_sent_again(posting: Running, letterbox: Letterbox) -> None:
    """An endpoint that fails gets the same event again, until it takes it."""
    letterbox.refusing = 3
    posting.intent()
    letters = letterbox.wait(4)
    assert len({letter.event().id for letter in letters}) == 1
    assert settled(posting, 1) == ["sent"]
    assert posting.deliveries()[0]["attempts"] == 4
    assert posting.deliveries()[0]["status"] == 200


def test_pauses_grow_and_attempts_end(tmp_path: Path) -> None:
    """Each pause is twice the one before, and after 16 attempts an event is given up."""
    options = ("--stopped-at", "1795000000", "--retry-wait", "1")
    with processes.fake(tmp_path / "fake.db", *options) as running:
        running.test("webhook", url="http://127.0.0.1:1/nobody", secret=SECRET)
        running.intent()
        now = 1795000000.0
        for attempt in range(1, 16):
            last = attempted(running, attempt)
            assert (last["state"], last["status"]) == ("pending", 0)
            assert last["due"] - now == min(2 ** (attempt - 1), 3600)
            now = running.test("clock", advance=last["due"] - now)["now"]
        assert attempted(running, 16)["state"] == "given_up"


def attempted(running: Running, attempts: int) -> dict[str, Any]:
    """Return the one delivery once it was attempted so often."""
    while running.deliveries()[0]["attempts"] < attempts:
        time.sleep(0.02)
    return running.deliveries()[0]


def test_webhooks_come_twice(posting: Running, letterbox: Letterbox) -> None:
    """With three copies every event comes three times, under one id."""
    posting.test("mail", copies=3)
    posting.intent()
    assert len({letter.event().id for letter in letterbox.wait(3)}) == 1
    assert settled(posting, 3) == ["sent"] * 3


def test_webhooks_come_late(posting: Running, letterbox: Letterbox) -> None:
    """What is held waits for the flush, which tells what came of each."""
    posting.test("mail", mode="hold")
    posting.paid()
    assert [each["state"] for each in posting.deliveries()] == ["held"] * 3
    sent = posting.test("flush")["sent"]
    assert [(each["type"], each["status"]) for each in sent] == [(kind, 200) for kind in PAID]
    assert letterbox.types(3) == PAID


def test_webhooks_come_in_another_order(posting: Running, letterbox: Letterbox) -> None:
    """A flush sends one by one: backwards, or shuffled, the same way for the same seed."""
    posting.test("mail", mode="hold")
    posting.paid()
    posting.test("flush", order="reversed")
    assert letterbox.types(3) == PAID[::-1]
    orders = []
    for seed in (1, 1, 2, 3, 4, 5):
        posting.paid()
        sent = posting.test("flush", order="shuffled", seed=seed)["sent"]
        orders.append([each["type"] for each in sent])
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1


def test_webhooks_are_lost(posting: Running, letterbox: Letterbox) -> None:
    """What is dropped never comes, but /v1/events knows it, and a flush of lost ones finds it."""
    posting.test("mail", mode="drop")
    lost = posting.intent()
    posting.test("mail", mode="deliver")
    posting.paid()
    assert len(letterbox.wait(3)) == 3
    assert posting.test("flush")["sent"] == []
    assert posting.deliveries()[0]["state"] == "lost"
    events = posting.http.get("/v1/events").json()["data"]
    assert events[-1]["data"]["object"]["id"] == lost["id"]
    found = posting.test("flush", lost=True)["sent"]
    assert [each["event"] for each in found] == [events[-1]["id"]]
    assert letterbox.wait(4)[3].event().id == events[-1]["id"]


def test_one_event_is_sent_again(posting: Running, letterbox: Letterbox) -> None:
    """An event that was taken can be sent anew, as Stripe's dashboard does."""
    posting.intent()
    first = letterbox.wait(1)[0].event()
    posting.test("redeliver", event=first.id, copies=2)
    assert [letter.event() for letter in letterbox.wait(3)] == [first] * 3


def test_without_an_endpoint_webhooks_wait(anew: Running, letterbox: Letterbox) -> None:
    """The fake may start before whoever takes its webhooks: they come once it is told where."""
    anew.paid()
    assert [each["attempts"] for each in anew.deliveries()] == [0, 0, 0]
    anew.test("webhook", url=letterbox.url, secret="whsec_later")
    assert {letter.event("whsec_later").type for letter in letterbox.wait(3)} == set(PAID)


def test_control_refuses_what_it_does_not_know(fake: Running) -> None:
    """A misspelt fault is a 400: a test that means to break something notices."""
    for path, said in (
        ("faults", {"kind": "explode"}),
        ("faults", {}),
        ("mail", {"mode": "deliver", "copy": 2}),
        ("flush", {"order": 1}),
    ):
        answer = fake.http.post(f"/_test/{path}", json=said)
        assert answer.status_code == 400, path
        assert answer.json()["error"]["type"] == "invalid_request_error"
