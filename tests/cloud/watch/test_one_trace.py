"""One purchase is one trace, through every process that has a part in it.

From the buyer's request through the payment, the provider's webhook, which knows of no trace, the
outbox, the broker where there is one, and the consumers, to the call to the organizer's system
and to the mail in the hands of the mail server.
"""

from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import pytest

from tests.cloud.run.market import GOOD_CARD, Market, market
from tests.cloud.run.served import until
from tests.cloud.service import good
from tests.cloud.watch.collector import Span
from tests.cloud.watch.house import House, watched

BUYER: Final = "1" * 16  # the span in which the buyer's own program asks
ENDS: Final = {"order pay", "order settle", "hook", "mail"}
ORDERS: Final = "/v1/tenants/{tenant_id}/orders"


@pytest.fixture(scope="module", params=["in process", "by broker"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with watched(tmp_path_factory.mktemp("one"), by_broker=request.param == "by broker") as house:
        yield house


def buy(house: House, place: Market, trace: str) -> str:
    """Buy a ticket as a browser does that has a trace, of which it tells the first request
    alone; return the order's path, once it is paid."""
    told = {"traceparent": f"00-{trace}-{BUYER}-01"}
    wanted = {
        "event_id": str(place.event), "items": [{"class_index": 0, "quantity": 1}]
    }  # fmt: skip
    with house.service.client(place.owner) as http:
        made = good(http.post(place.orders, json=wanted, headers=told), 201)
        path = f"{place.orders}/{made['order_id']}"
        secret = good(http.post(f"{path}/payment"))["client_secret"]
        intent = secret.partition("_secret_")[0]
        with house.service.fake() as fake:
            form = {"payment_method": GOOD_CARD}
            good(fake.post(f"/v1/payment_intents/{intent}/confirm", data=form))
        until(lambda: good(http.get(path))["state"] == "paid")
    return path


def way(spans: list[Span], span: Span) -> list[str]:
    """Return the names from a span up to the one that a caller has told of."""
    by_id = {each.id: each for each in spans}
    names = [span.name]
    while span.parent in by_id:
        span = by_id[span.parent]
        names.append(span.name)
    assert span.parent == BUYER, f"{names} hangs nowhere"
    return names


def test_a_purchase_is_one_trace_to_whoever_is_told_of_it(
    house: House, request: pytest.FixtureRequest
) -> None:
    place = market(house.service, capacity=3)
    with house.service.client(place.owner) as http:
        hook = {"url": house.receiver.url, "name": "CRM", "topics": ["order.paid"]}
        good(http.post(f"/v1/tenants/{place.tenant}/hooks", json=hook), 201)
    trace = uuid4().hex
    buy(house, place, trace)
    house.receiver.until(1)
    house.mails.until(1)
    spans = house.collector.until(trace, lambda found: {s.name for s in found} >= ENDS)
    ways = {each.name: way(spans, each) for each in spans}
    first = f"POST {ORDERS}"
    assert ways["order pay"] == ["order pay", first]
    assert ways["order settle"] == ["order settle", first]
    by_broker = "broker" in request.node.name
    for consumer in ("hooks", "mail"):
        name = f"{consumer} order.paid"
        sent = [f"{consumer} send"] if by_broker else []
        assert ways[name] == [name, *sent, "order settle", first]
    assert ways["hook"] == ["hook", "order settle", first]
    assert ways["mail"] == ["mail", *ways["mail order.paid"]]


def test_each_part_has_what_it_asks_of_others(house: House) -> None:
    """Statements, the provider's API and the receiver's are spans below the part that asks; and
    what joins from another trace says from which."""
    trace = uuid4().hex
    buy(house, market(house.service, capacity=3), trace)
    needed = {"order pay", "order settle", "hooks order.paid"}
    spans = house.collector.until(trace, lambda found: {each.name for each in found} >= needed)
    parts = {each.name: each for each in spans}
    below = {name: [each for each in spans if each.parent == parts[name].id] for name in needed}
    assert any("payment_intents" in str(each.attributes) for each in below["order pay"])
    for name in ("order settle", "hooks order.paid"):
        assert any("db.statement" in each.attributes for each in below[name]), name
    assert {each.service for each in spans} == {"usher-api", "usher-worker"}
    for name in ("order pay", "order settle"):
        (other,) = parts[name].links
        assert other != trace
        assert house.collector.of(other), "the request that the part ran in is a trace, too"
