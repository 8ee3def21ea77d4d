"""Orders, webhooks and books over real HTTP, with the fake's own webhooks."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from cloud.orders.webhook import BODY_LIMIT
from cloud.payments import webhooks
from tests.cloud.orders.counter import OWNER, RIVAL, STAFF, Counter
from tests.cloud.orders.counter import counter as counter
from tests.cloud.orders.shop import OTHER, Class
from tests.cloud.orders.shop import shop as shop
from tests.cloud.payments.processes import SECRET
from tests.cloud.run.served import until

BUYERS = 60
SEATS = 20


def test_from_a_hold_to_a_refund(counter: Counter) -> None:
    """A fan holds and pays, the webhook buys, staff refund: each step is seen in the order."""
    event = counter.shop.event(Class(count=3, price=2500))
    held = counter.hold(event, 2)
    assert (held["state"], held["total"], held["currency"]) == ("held", 5000, "eur")
    path = f"/orders/{held['order_id']}"
    payment = counter.done("POST", f"{path}/payment")
    assert payment["order"]["state"] == "paying"
    counter.card(payment)
    sent = counter.shop.fake.test("flush")["sent"]
    assert {each["status"] for each in sent} == {200}
    paid = counter.done("GET", path)
    assert paid["state"] == "paid"
    assert counter.done("POST", f"{path}/payment")["client_secret"] is None
    one = [paid["items"][0]["ticket_id"]]
    body = {"reason": "Bought by mistake.", "tickets": one}
    back = counter.done("POST", f"{path}/refunds", body, who=STAFF)
    assert [item["refunded"] for item in back["items"]] == [True, False]
    assert [(each["amount"], each["state"]) for each in back["refunds"]] == [(2500, "requested")]
    counter.shop.run(lambda desk: desk.work())
    assert counter.done("GET", path)["refunds"][0]["state"] == "succeeded"
    assert counter.refused("DELETE", path) == (409, "order_paid")


def test_many_buyers_get_what_is_there(counter: Counter) -> None:
    """Through HTTP as well, exactly as many are held as there are; nobody meets a fault."""
    event = counter.shop.event(Class(count=SEATS))
    body = {"event_id": str(event), "items": [{"class_index": 0, "quantity": 1}]}

    def buy(number: int) -> int:
        return counter.call("POST", "/orders", body, who=1100 + number).status_code

    with ThreadPoolExecutor(12) as threads:
        statuses = list(threads.map(buy, range(BUYERS)))
    assert sorted(statuses) == [201] * SEATS + [409] * (BUYERS - SEATS)


def test_a_repeated_request_holds_once(counter: Counter) -> None:
    """The same idempotency key is answered with the same order."""
    event = counter.shop.event(Class(count=3))
    key = uuid4().hex
    assert counter.hold(event, key=key) == counter.hold(event, key=key)
    assert counter.shop.tickets(event) == {"created": 2, "reserved": 1}


def test_a_refused_order_names_the_item(counter: Counter) -> None:
    """`sold_out` is a problem with the item's place and how many are left."""
    event = counter.shop.event(Class(count=3))
    body = {"event_id": str(event), "items": [{"class_index": 0, "quantity": 4}]}
    problem = counter.call("POST", "/orders", body).json()
    assert (problem["code"], problem["left"]) == ("sold_out", 3)
    assert problem["errors"][0]["field"] == "/items/0"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], (400, "invalid_request")),
        ([{"class_index": 0}], (400, "invalid_request")),
        ([{"class_index": 0, "quantity": 1, "seats": ["S1"]}], (400, "invalid_request")),
        ([{"class_index": 0, "quantity": 0}], (400, "invalid_request")),
        ([{"class_index": 0, "quantity": 1}] * 2, (400, "invalid_request")),
        ([{"class_index": 0, "seats": ["S1", "S1"]}], (400, "invalid_request")),
        ([{"class_index": 0, "quantity": 1, "price": 1}], (400, "invalid_request")),
        ([{"class_index": 5, "quantity": 1}], (409, "class_unknown")),
        ([{"class_index": 0, "quantity": 11}], (409, "per_order_limit")),
        ([{"class_index": 0, "seats": ["S1'; --"]}], (409, "seats_taken")),
    ],
)
def test_orders_in_a_wrong_form(
    counter: Counter, items: list[dict[str, object]], expected: tuple[int, str]
) -> None:
    """What can't be understood or sold is refused with its own code, and holds nothing."""
    event = counter.shop.event(Class(count=20))
    body = {"event_id": str(event), "items": items}
    assert counter.refused("POST", "/orders", body) == expected
    assert counter.shop.tickets(event) == {"created": 20}


def test_an_order_is_its_buyers(counter: Counter) -> None:
    """Another fan, and another tenant's owner, find nothing; who may read orders does."""
    event = counter.shop.event()
    path = f"/orders/{counter.hold(event, who=1200)['order_id']}"
    reason = {"reason": "No."}
    for who, tenant in ((1201, None), (RIVAL, None), (RIVAL, OTHER)):
        at = {"who": who} | ({"tenant": tenant} if tenant else {})
        for method, rest, body in (
            ("GET", "", None), ("DELETE", "", None), ("POST", "/payment", None),
            ("POST", "/refunds", reason), ("POST", "/refunds/retry", None),
        ):  # fmt: skip
            assert counter.refused(method, path + rest, body, **at) == (404, "not_found")
    assert counter.refused("GET", path, who=0) == (401, "credentials_missing")
    assert counter.refused("POST", f"{path}/payment", who=STAFF) == (404, "not_found")
    assert counter.done("GET", path, who=STAFF)["state"] == "held"
    assert counter.done("DELETE", path, who=1200)["state"] == "cancelled"
    assert counter.done("DELETE", path, who=1200)["state"] == "cancelled"  # a repetition


def test_lists_come_in_pages(counter: Counter) -> None:
    """A fan sees their own orders, the newest first; an organizer filters all of them."""
    event = counter.shop.event(Class(count=9))
    made = [counter.hold(event, who=1300 + n % 2)["order_id"] for n in range(5)]
    own = counter.done("GET", f"/orders?event_id={event}", who=1300)
    assert [order["order_id"] for order in own["items"]] == [made[4], made[2], made[0]]
    seen, cursor = [], ""
    while cursor is not None:
        page = counter.done("GET", f"/orders?event_id={event}&limit=2&cursor={cursor}", who=OWNER)
        seen += [order["order_id"] for order in page["items"]]
        cursor = page["next"]
    assert seen == made[::-1]
    paid = counter.done("GET", f"/orders?event_id={event}&order_state=paid", who=OWNER)
    assert paid == {"items": [], "next": None}
    other = f"/orders?event_id={event}&account_id={UUID(int=1301)}"
    assert len(counter.done("GET", other, who=OWNER)["items"]) == 2
    assert len(counter.done("GET", other, who=1300)["items"]) == 3  # one's own, whoever is named
    assert counter.refused("GET", "/orders?cursor=x", who=1300) == (400, "cursor_malformed")


def test_a_draft_does_not_exist_for_fans(counter: Counter) -> None:
    """An event that is not published is not found; who may read it hears why."""
    event = counter.shop.event()
    counter.shop.database.run(f"UPDATE event SET state = 'draft' WHERE event_id = '{event}'")
    body = {"event_id": str(event), "items": [{"class_index": 0, "quantity": 1}]}
    assert counter.refused("POST", "/orders", body) == (404, "not_found")
    assert counter.refused("POST", "/orders", body, who=STAFF) == (409, "event_not_on_sale")
    unknown = body | {"event_id": str(uuid4())}
    assert counter.refused("POST", "/orders", unknown) == (404, "not_found")


def test_free_tickets_are_bought_at_once(counter: Counter) -> None:
    """An order of nothing is paid as it is placed."""
    event = counter.shop.event(Class(price=0))
    assert counter.hold(event)["state"] == "paid"
    assert counter.shop.tickets(event) == {"active": 1, "created": 2}


def send(counter: Counter, body: bytes, signature: str) -> tuple[int, str]:
    """Send a webhook; return the status, and the code or the outcome."""
    headers = {"stripe-signature": signature, "content-type": "application/json"}
    answer = counter.http.post("/v1/webhooks/stripe", content=body, headers=headers)
    told = answer.json()
    return answer.status_code, told.get("code") or told["outcome"]


def message(counter: Counter, amount: int = 2500, **metadata: str) -> bytes:
    """Return a webhook's body about a payment that succeeded."""
    intent = {
        "id": f"pi_{uuid4().hex}", "status": "succeeded", "amount": amount, "currency": "eur",
        "amount_received": amount, "metadata": metadata, "object": "payment_intent",
    }  # fmt: skip
    return json.dumps(
        {"id": f"evt_{uuid4().hex}", "type": "payment_intent.succeeded", "created": 1,
         "data": {"object": intent}}
    ).encode()  # fmt: skip


def test_forged_webhooks_change_nothing(counter: Counter) -> None:
    """Another secret, another body, an old time, no header: each is refused with its code."""
    event = counter.shop.event()
    order = counter.hold(event)["order_id"]
    body = message(counter, tenant=str(counter.shop.tenant), order=order)
    now = int(time.time())
    good = webhooks.sign(body, SECRET, now)
    for sent, signature, code in (
        (body, webhooks.sign(body, "whsec_other", now), "webhook_bad_signature"),
        (body + b" ", good, "webhook_bad_signature"),
        (body, webhooks.sign(body, SECRET, now - 400), "webhook_stale"),
        (body, webhooks.sign(body, SECRET, now + 400), "webhook_early"),
        (body, f"t={now}", "webhook_no_signature"),
        (body, "", "webhook_header"),
        (b"{", webhooks.sign(b"{", SECRET, now), "webhook_body"),
    ):
        assert send(counter, sent, signature) == (400, code)
    large = b" " * (BODY_LIMIT + 1)
    assert send(counter, large, webhooks.sign(large, SECRET, now)) == (413, "body_too_large")
    assert counter.done("GET", f"/orders/{order}")["state"] == "held"
    assert send(counter, body, good) == (200, "paid")
    assert send(counter, body, good) == (200, "repeated")  # a replay
    assert counter.done("GET", f"/orders/{order}")["state"] == "paid"


def test_webhooks_of_nobody_are_answered(counter: Counter) -> None:
    """What belongs to no order, no tenant or no use of ours is taken and does nothing."""
    now = int(time.time())
    tenant = str(counter.shop.tenant)
    other = json.dumps({"id": "evt_1", "type": "customer.created", "created": 1,
                        "data": {"object": {"object": "customer"}}}).encode()  # fmt: skip
    for body, outcome in (
        (message(counter), "unknown tenant"),
        (message(counter, tenant=str(uuid4())), "unknown tenant"),
        (message(counter, tenant=tenant, order="x"), "unknown order"),
        (message(counter, tenant=tenant, order=str(uuid4())), "unknown order"),
        (other, "irrelevant"),
    ):
        assert send(counter, body, webhooks.sign(body, SECRET, now)) == (200, outcome)


def test_the_books_are_for_who_may_read_them(counter: Counter) -> None:
    """An owner reads balances that sum to zero, and pages of entries; nobody else does."""
    event = counter.shop.event()
    orders = [counter.hold(event)["order_id"] for _ in range(2)]
    for order in orders:
        counter.card(counter.done("POST", f"/orders/{order}/payment"))
        counter.shop.fake.test("flush")
    balances = counter.done("GET", "/books/balances", who=OWNER)
    assert sum(each["balance"] for each in balances) == 0
    assert {"processor", "organizer"} <= {each["account"] for each in balances}
    # An entry is shown once no open transaction, whosever it is, could still write an older one.
    until(
        lambda: counter.done("GET", f"/books/entries?subject=order:{orders[1]}", who=OWNER)["items"]
    )
    first = counter.done("GET", "/books/entries?limit=1", who=OWNER)
    second = counter.done("GET", f"/books/entries?limit=1&cursor={first['next']}", who=OWNER)
    assert first["items"][0]["number"] < second["items"][0]["number"]
    (entry,) = counter.done("GET", f"/books/entries?subject=order:{orders[1]}", who=OWNER)["items"]
    assert sum(line["amount"] for line in entry["postings"]) == 0
    paid = f"transaction:{'5' * 88}"
    assert counter.done("GET", f"/books/entries?subject={paid}", who=OWNER)["items"] == []
    strangers = {
        STAFF: (403, "scope_missing"),
        1000: (404, "not_found"),
        RIVAL: (404, "not_found"),
        0: (401, "credentials_missing"),
    }
    for who, expected in strangers.items():
        assert counter.refused("GET", "/books/balances", who=who) == expected
        assert counter.refused("GET", "/books/entries", who=who) == expected
    assert counter.done("GET", "/books/balances", who=RIVAL, tenant=OTHER) == []
