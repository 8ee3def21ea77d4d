"""An event at the whole API, its people, and the short words for what they do with tickets."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx

from cloud.keys.sealing import MasterKey, parse_master_key
from tests.cloud.run.tokens import people, signing_key, tokens
from tests.cloud.service import MASTER_KEY, Event, Service, good

CAPACITY: Final = 6
PRICE: Final = 2500
GATE: Final = 1
LONG: Final = 3600  # seconds that a token lasts: tests move the clock


class Code(NamedTuple):
    """A ticket's code, of one generation."""

    ticket: str
    text: str


class Trade:
    """What lasts for one run of the machine."""

    def __init__(self, service: Service) -> None:
        self.service = service
        key = signing_key(service.database.root_url, MasterKey(parse_master_key(MASTER_KEY)))
        made = people(service.database.root_url, 4)
        issuer = service.settings.reached_at
        given = tokens(made, key, issuer, int(service.clock().timestamp()), LONG)
        self.people = [service.client(f"Bearer {token}") for token in given.values()]
        self.owner = self.people[-1]
        self.tenant = service.tenant(self.owner)
        self.event: Event = service.event(
            self.owner, self.tenant, capacity=CAPACITY, price=PRICE, per_order=3
        )

    def hold(self, who: int, quantity: int) -> httpx.Response:
        """Hold tickets."""
        items = [{"class_index": 0, "quantity": quantity}]
        wanted = {"event_id": str(self.event.event_id), "items": items}
        return self.people[who].post(f"{self.tenant.path}/orders", json=wanted)

    def order(self, who: int, order: str, act: str, body: object = None) -> httpx.Response:
        """Do something with an order: GET, DELETE, or POST to a place below it."""
        path = f"{self.tenant.path}/orders/{order}"
        if act in ("GET", "DELETE"):
            return self.people[who].request(act, path)
        return self.people[who].post(f"{path}/{act}", json=body)

    def scan(self, code: str) -> Any:
        """Present a code at the gate."""
        said = {"gate": GATE, "code": code}
        return good(self.owner.post(f"{self.event.path}/redeem", json=said))

    def undo(self, entry: str) -> httpx.Response:
        """Take an entry back."""
        return self.owner.post(f"{self.event.path}/undo", json={"entry": entry})

    def code(self, ticket: str) -> str:
        """Return a ticket's code, as the box office is given it; "" where there is none."""
        answer = self.owner.get(f"{self.event.path}/tickets/{ticket}/code.txt")
        return answer.text if answer.is_success else ""

    def transfer(self, giver: int, taker: int, ticket: str) -> httpx.Response:
        """Hand a ticket over."""
        place = f"{self.event.path}/tickets/{ticket}/transfers"
        offered = self.people[giver].post(place, json={})
        if not offered.is_success:
            return offered
        taken = {"secret": offered.json()["secret"]}
        return self.people[taker].post(f"{self.tenant.path}/transfers/accept", json=taken)

    def cancel_event(self) -> httpx.Response:
        """Call the event off."""
        version = good(self.owner.get(self.event.path))["organizer"]["version"]
        body = {"version": version}
        return self.owner.post(f"{self.event.path}/cancel", json=body)

    def wait(self, seconds: float) -> None:
        """Let time pass, here and at the provider."""
        self.service.clock.move(seconds)
        self.service.payments.test("clock", advance=seconds)

    def rows(self, sql: str) -> list[Any]:
        """Return what is really there; $1 is the event, $2 the tenant."""
        return self.service.database.rows(sql, self.event.event_id, self.tenant.tenant_id)

    def states(self) -> Mapping[str, str]:
        """Return each ticket's state."""
        return {str(row["ticket_id"]): row["state"] for row in self.rows(STATES)}


STATES: Final = "SELECT ticket_id, state FROM ticket WHERE event_id = $1 AND tenant_id = $2"
