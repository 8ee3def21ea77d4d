"""Traces of a service of several processes, as a collector gets them."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from cloud.settings import Unfit, read
from tests.cloud.run.market import Market, market
from tests.cloud.run.served import Served, served
from tests.cloud.service import good
from tests.cloud.watch.collector import Collector, Span, collecting

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}  # ms: what is over is sent soon


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Served]:
    """A service that traces every request."""
    folder = tmp_path_factory.mktemp("traced")
    told = {"USHER_TRACE_URL": collector.url, "USHER_TRACE_SHARE": "1", "USHER_WORKERS": "2"}
    with served(folder, **told, **SOON) as service:
        yield service


@pytest.fixture(scope="module")
def place(traced: Served) -> Market:
    return market(traced, capacity=3)


def trace_id() -> str:
    return uuid4().hex


def headers(trace: str, *, sampled: bool = True) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{'1' * 16}-0{int(sampled)}"}


def test_a_request_is_one_trace_with_what_it_asked(
    traced: Served, place: Market, collector: Collector
) -> None:
    """The caller's trace goes on: the route, its statements, and its count in Redis are in it."""
    trace = trace_id()
    with traced.client(place.owner) as http:
        good(http.get(place.orders, headers=headers(trace)))
    found = collector.until(trace, lambda spans: any(s.parent == "1" * 16 for s in spans))
    (root,) = [span for span in found if span.parent == "1" * 16]
    assert root.name == "GET /v1/tenants/{tenant_id}/orders"
    assert root.service == "usher-api"
    assert root.attributes["http.response.status_code"] == "200"
    assert root.attributes["usher.tenant"] == str(place.tenant)
    below = [span for span in found if span.parent == root.id]
    assert "redis count" in {span.name for span in below}
    assert any("db.statement" in span.attributes for span in found), found


def test_a_payment_is_traced_to_the_provider(
    traced: Served, place: Market, collector: Collector
) -> None:
    trace = trace_id()
    items = [{"class_index": 0, "quantity": 1}]
    with traced.client(place.owner) as http:
        wanted = {"event_id": str(place.event), "items": items}
        made = good(http.post(place.orders, json=wanted, headers=headers(trace)), 201)
        good(http.post(f"{place.orders}/{made['order_id']}/payment"))
    asked = collector.until(trace, lambda spans: any(map(outside, spans)))
    assert all("?" not in span.attributes.get("http.url", "") for span in asked)


def outside(span: Span) -> bool:
    return "payment_intents" in str(span.attributes)


def test_nothing_personal_is_sent(traced: Served, collector: Collector) -> None:
    """Neither where everything went well nor in what the database said of a fault."""
    trace = trace_id()
    secret, email = f"Secret {uuid4().hex}!", f"{uuid4().hex}@example.org"
    with httpx.Client(base_url=traced.address, trust_env=False, headers=headers(trace)) as http:
        for _ in range(2):
            http.post("/v1/accounts", json={"email": email, "password": secret, "name": "Ada L."})
        http.post("/v1/sessions", json={"email": email, "password": "wrong wrong wrong"})
    collector.until(trace, lambda spans: len(spans) > 6)
    for word in (secret, email, "Ada L."):
        assert word.encode() not in collector.raw


def test_who_calls_does_not_choose_what_is_kept(traced: Served, collector: Collector) -> None:
    """A trace that its caller doesn't keep is not kept here either."""
    unkept, kept = trace_id(), trace_id()
    with traced.client() as http:
        http.get("/livez", headers=headers(unkept, sampled=False))
        http.get("/livez", headers=headers(kept))
        http.get("/livez", headers={"traceparent": "00-rubbish"})
    collector.until(kept, bool)
    assert not collector.of(unkept)


HUGE = "a=" + "x" * 30_000


@pytest.mark.parametrize(
    "told",
    [
        {"traceparent": ""},
        {"traceparent": f"00-{'0' * 32}-{'1' * 16}-01"},
        {"traceparent": f"00-{'1' * 32}-{'0' * 16}-01"},
        {"traceparent": f"ff-{'1' * 32}-{'1' * 16}-01"},
        {"traceparent": f"00-{'1' * 32}-{'1' * 16}-01-more"},
        {"traceparent": f"00-{'G' * 32}-{'1' * 16}-01"},
        {"traceparent": HUGE},
        {"traceparent": "\xff\xfe"},
    ],
)
def test_a_traceparent_that_is_none_begins_a_new_trace(
    traced: Served, collector: Collector, told: dict[str, str]
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in told.items()]
    with traced.client() as http:
        answer = http.get("/livez", headers=sent)
    assert answer.status_code == 200
    asked = answer.headers["x-request-id"]
    (span,) = collector.eventually(
        lambda: [each for each in collector.spans if each.attributes.get("usher.request") == asked]
    )
    assert span.parent == ""


def test_a_callers_baggage_is_left_behind(
    traced: Served, place: Market, collector: Collector
) -> None:
    """Neither it nor his tracestate is kept, stored with a message, or sent to others."""
    trace = trace_id()
    more = {"baggage": HUGE, "tracestate": "vendor=" + "y" * 200}
    wanted = {"event_id": str(place.event), "items": [{"class_index": 0, "quantity": 1}]}
    with traced.client(place.owner) as http:
        made = good(http.post(place.orders, json=wanted, headers=headers(trace) | more), 201)
        good(http.post(f"{place.orders}/{made['order_id']}/payment"))
    collector.until(trace, lambda spans: any(map(outside, spans)))
    (row,) = traced.rows(
        "SELECT trace FROM purchase WHERE order_id = $1::text::uuid", made["order_id"]
    )
    assert row["trace"].startswith(f"00-{trace}-")
    assert len(row["trace"]) == 55
    assert b"xxxxxxxx" not in collector.raw
    assert b"yyyyyyyy" not in collector.raw


def test_a_method_that_is_a_callers_word_names_no_span(
    traced: Served, collector: Collector
) -> None:
    trace = trace_id()
    with traced.client() as http:
        http.request("PROPFIND", "/livez", headers=headers(trace))
    (span,) = collector.until(trace, bool)
    assert span.name.startswith("_OTHER")
    assert "PROPFIND" not in traced.said()


def test_the_log_names_the_trace(traced: Served, collector: Collector) -> None:
    trace = trace_id()
    with traced.client() as http:
        http.get("/livez", headers=headers(trace))
    collector.until(trace, bool)
    assert f'"trace":"{trace}"' in traced.said()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"USHER_TRACE_URL": "grpc://x"}, "trace_url begins with http"),
        ({"USHER_TRACE_SHARE": "1.5"}, "trace_share"),
    ],
)
def test_what_does_not_fit_is_refused(told: dict[str, str], says: str) -> None:
    with pytest.raises(Unfit, match=says):
        read(None, told)
