"""An event on sale at a real service, a crowd that buys at once, and what became of the money."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from tests.cloud.run.served import Served
from tests.cloud.service import VENUE, good

PRICE: Final = 2500
GOOD_CARD: Final = "pm_card_visa"
BAD_CARD: Final = "pm_card_visa_chargeDeclined"
AT_ONCE: Final = 64  # requests
PATIENCE: Final = 120.0  # seconds for one answer, restarts of the service included
SOLD: Final = ("purchased", "minted", "active", "listed", "used")


class Market:
    """A tenant and its event."""

    def __init__(self, served: Served, tenant: UUID, event: UUID, owner: str) -> None:
        self.served = served
        self.tenant = tenant
        self.event = event
        self.owner = owner  # a token

    @property
    def orders(self) -> str:
        """Where orders are placed."""
        return f"/v1/tenants/{self.tenant}/orders"


def market(served: Served, capacity: int, price: int = PRICE) -> Market:
    """Make a tenant whose event of so many tickets is on sale."""
    (owner,) = served.tokens(1).values()
    with served.client(owner) as http:
        made = good(http.post("/v1/tenants", json={"slug": f"t{uuid4().hex}", "name": "T"}), 201)
        path = f"/v1/tenants/{made['tenant_id']}"
        venue = good(http.post(f"{path}/venues", json=VENUE), 201)
        doors = datetime.now(UTC) + timedelta(days=30)
        said = {
            "venue_id": venue["venue_id"], "name": "Spring Night", "currency": "eur",
            "doors_at": doors.isoformat(), "starts_at": (doors + timedelta(hours=1)).isoformat(),
            "ends_at": (doors + timedelta(hours=5)).isoformat(),
        }  # fmt: skip
        event = good(http.post(f"{path}/events", json=said), 201)["event_id"]
        place = f"{path}/events/{event}"
        sold = {"name": "Standing", "price": price, "capacity": capacity, "entry": {"zones": [1]}}
        good(http.post(f"{place}/classes", json=sold), 201)
        version = good(http.get(place))["organizer"]["version"]
        good(http.post(f"{place}/publish", json={"version": version}))
    return Market(served, UUID(made["tenant_id"]), UUID(event), owner)


class Crowd:
    """Buyers on one pool of connections; every answer is counted by its status and code."""

    def __init__(self, place: Market, http: httpx.AsyncClient) -> None:
        self.place = place
        self.http = http
        self.answers: Counter[tuple[int, str]] = Counter()
        self.lost = 0  # requests that were never answered
        self._turns = asyncio.Semaphore(AT_ONCE)  # httpcore's queue is slow where it is long

    async def ask(self, token: str, method: str, path: str, body: object = None) -> Any:
        """Return an answer of the API. Whoever gets none, or 503, asks again with the same key."""
        headers = {"authorization": f"Bearer {token}", "idempotency-key": uuid4().hex}
        end = time.monotonic() + PATIENCE
        while True:
            try:
                url = f"{self.place.served.address}{path}"
                async with self._turns:
                    answer = await self.http.request(method, url, json=body, headers=headers)
            except httpx.TransportError:
                self.lost += 1
            else:
                code = answer.json().get("code", "") if answer.status_code >= 400 else ""
                self.answers[answer.status_code, code] += 1
                if answer.status_code != 503:
                    return answer
            assert time.monotonic() < end, "nobody answers"
            await asyncio.sleep(0.3)

    async def hold(self, token: str, quantity: int = 1) -> str:
        """Hold tickets; return the order's path, or "" where there are none."""
        items = [{"class_index": 0, "quantity": quantity}]
        body = {"event_id": str(self.place.event), "items": items}
        answer = await self.ask(token, "POST", self.place.orders, body)
        if answer.status_code == 409:
            return ""
        assert answer.status_code == 201, answer.text
        return f"{self.place.orders}/{answer.json()['order_id']}"

    async def begin(self, token: str, order: str) -> str:
        """Begin to pay; return the payment's id, or "" where nothing is to be paid any more."""
        answer = await self.ask(token, "POST", f"{order}/payment")
        if answer.status_code == 409:
            return ""
        assert answer.status_code == 200, answer.text
        return str(answer.json()["client_secret"] or "").partition("_secret_")[0]

    async def provider(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Ask the fake provider, as a browser does; again where it is just starting."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                told = self.place.served.told
                headers = {"authorization": f"Bearer {told['payments_key']}"}
                url = f"{told['payments_url']}{path}"
                async with self._turns:
                    return await self.http.post(url, data=form, headers=headers)
            except (httpx.TransportError, FileNotFoundError):
                assert time.monotonic() < end, "the provider does not answer"
                await asyncio.sleep(0.3)

    async def card(self, intent: str, card: str = GOOD_CARD) -> int:
        """Pay with a test card; return the provider's status."""
        path = f"/v1/payment_intents/{intent}/confirm"
        return (await self.provider(path, {"payment_method": card})).status_code

    async def ended(self, token: str, order: str) -> str:
        """Wait until an order is neither held nor being paid; return how it ended."""
        while True:
            if (state := await self.state(token, order)) not in ("held", "paying"):
                return state
            await asyncio.sleep(2)

    async def state(self, token: str, order: str) -> str:
        """Return how an order stands."""
        answer = await self.ask(token, "GET", order)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])


@contextmanager
def open_http() -> Iterator[httpx.AsyncClient]:
    """Return a client for a crowd, to be closed inside its loop."""
    limits = httpx.Limits(max_connections=2 * AT_ONCE, max_keepalive_connections=2 * AT_ONCE)
    yield httpx.AsyncClient(timeout=60, limits=limits, trust_env=False)


OPEN: Final = """
    SELECT (SELECT count(*) FROM purchase WHERE state IN ('held', 'paying', 'refunding'))
         + (SELECT count(*) FROM refund WHERE state IN ('requested', 'sent'))
         + (SELECT count(*) FROM outbox WHERE done_at IS NULL)
         + (SELECT count(*) FROM inbox WHERE done_at IS NULL) AS n
"""


def settled(served: Served) -> bool:
    """Whether nothing is under way: no hold, no refund, no message, no webhook."""
    if served.one_row(OPEN)["n"]:
        return False
    with served.fake() as fake:
        sent = fake.get("/_test/deliveries").json()["deliveries"]
    return all(each["state"] == "sent" for each in sent)


def kept_by_provider(served: Served) -> int:
    """Return what the provider has captured, less what it has given back."""
    with served.fake() as fake:
        sums = fake.get("/_test/sums").json()["sums"]
    return sum(
        row["amount"] * {"payment_intent": 1, "refund": -1}[row["kind"]]
        for row in sums
        if row["kind"] in ("payment_intent", "refund") and row["status"] == "succeeded"
    )


BALANCES: Final = """
    SELECT account, sum(amount)::bigint AS n FROM posting
     WHERE $1::uuid IS NULL OR tenant_id = $1 GROUP BY account
"""


def balances(served: Served, tenant: UUID | None = None) -> dict[str, int]:
    """Return what each account of a tenant's books, or of all, comes to."""
    return {row["account"]: row["n"] for row in served.rows(BALANCES, tenant)}


# Each order: what was received for it, what went back, and what its buyer's tickets are worth.
ORDERS: Final = """
    SELECT p.order_id, p.state, p.total, p.refunded,
           (SELECT coalesce(sum(received), 0) FROM payment y WHERE y.order_id = p.order_id)
               ::bigint AS received,
           (SELECT coalesce(sum(amount), 0) FROM refund r
             WHERE r.order_id = p.order_id AND r.state = 'succeeded')::bigint AS returned,
           (SELECT coalesce(sum(i.price), 0) FROM purchase_item i
              JOIN ticket t ON (t.tenant_id, t.event_id, t.ticket_id)
                             = (i.tenant_id, i.event_id, i.ticket_id)
             WHERE i.order_id = p.order_id AND NOT i.refunded AND t.order_id = p.order_id
               AND t.account_id = p.account_id AND t.state = 'active' AND t.token IS NOT NULL)
               ::bigint AS worth
      FROM purchase p
"""
TWICE: Final = """
    SELECT i.ticket_id FROM purchase_item i JOIN purchase p USING (tenant_id, order_id)
     WHERE p.paid_at IS NOT NULL AND NOT i.refunded GROUP BY 1 HAVING count(*) > 1
"""
HISTORY: Final = """
    SELECT t.ticket_id FROM ticket t
     WHERE t.state <> (SELECT m.to_state FROM ticket_move m
                        WHERE m.ticket_id = t.ticket_id ORDER BY m.move_id DESC LIMIT 1)
"""


def check(served: Served) -> None:
    """Judge what became of all orders, tickets and money, once everything is settled."""
    for order in served.rows(ORDERS):
        assert order["state"] in ("paid", "refunded", "lapsed", "cancelled"), order
        assert order["received"] - order["returned"] == order["worth"], order
        bought = order["total"] - order["refunded"] if order["state"] == "paid" else 0
        assert order["worth"] == bought, order
    assert served.rows(TWICE) == [], "a ticket with two owners"
    assert served.rows(HISTORY) == [], "a ticket that is not as its history says"
    booked = balances(served)
    assert sum(booked.values()) == 0
    assert booked.get("refunds", 0) == 0
    assert booked.get("processor", 0) == kept_by_provider(served)
