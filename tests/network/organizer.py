"""The organizer at a console: over HTTP, straight to the cloud or through the relay."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from tests.network.brief import Brief

GATES: Final = ("North", "South", "West")
NEW: Final = "East"  # a gate of the hall that no device stands at when an evening begins
SINGLE, OFTEN = 0, 1  # ticket classes
HALL: Final = {
    "name": "Harbour Hall",
    "timezone": "Europe/Berlin",
    "zones": [{"id": 1, "name": "Hall"}],
    "gates": [
        {"id": number, "name": name, "zone": 1, "direction": "both"}
        for number, name in enumerate((*GATES, NEW), 1)
    ],
}
CLASSES: Final = (
    {"name": "Once", "entry": {"zones": [1]}},
    {"name": "Often", "entry": {"zones": [1], "re_entry": True}},
)
PATIENCE: Final = 60.0  # seconds for an answer
AT_ONCE: Final = 4  # requests


class Organizer:
    """One tenant's people. `tenant` and `event` are ids."""

    def __init__(self, http: httpx.Client, tenant: str, event: str = "") -> None:
        self._http = http
        self.tenant = tenant
        self.event = event

    @classmethod
    def of(cls, brief: Brief) -> "Organizer":
        """Return a brief's organizer, from inside a venue."""
        headers = {"authorization": f"Bearer {brief.token}"}
        out = httpx.HTTPTransport(uds=brief.way_out, retries=3)
        http = httpx.Client(
            base_url=brief.address, headers=headers, transport=out, timeout=PATIENCE
        )
        return cls(http, brief.tenant, brief.event)

    @property
    def path(self) -> str:
        """What the tenant's addresses begin with."""
        return f"/v1/tenants/{self.tenant}"

    @property
    def place(self) -> str:
        """What the event's addresses begin with."""
        return f"{self.path}/events/{self.event}"

    def get(self, path: str, **query: Any) -> Any:
        """Return a document."""
        return _good(self._http.get(path, params=query)).json()

    def post(self, path: str, body: object = None) -> Any:
        """Have something done."""
        return _good(self._http.post(path, json={} if body is None else body)).json()

    def all(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield the items of every page."""
        cursor = ""
        while True:
            page = self.get(path, limit=200, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def announce(self) -> None:
        """Put tonight's event on sale: what it has costs nothing."""
        venue = self.post(f"{self.path}/venues", HALL)["venue_id"]
        doors = datetime.now(UTC) + timedelta(hours=1)
        said = {
            "venue_id": venue, "name": "Night at the Harbour", "currency": "eur",
            "doors_at": doors.isoformat(), "starts_at": (doors + timedelta(hours=1)).isoformat(),
            "ends_at": (doors + timedelta(hours=5)).isoformat(),
        }  # fmt: skip
        self.event = self.post(f"{self.path}/events", said)["event_id"]
        for each in CLASSES:
            sold = {"price": 0, "capacity": 1000, "per_order": 100}
            self.post(f"{self.place}/classes", sold | each)
        version = self.get(self.place)["organizer"]["version"]
        self.post(f"{self.place}/publish", {"version": version})

    def sell(self, ticket_class: int, count: int) -> tuple[str, ...]:
        """Sell tickets; return their codes."""
        tickets: list[str] = []
        for left in range(count, 0, -100):
            wanted = [{"class_index": ticket_class, "quantity": min(left, 100)}]
            order = self.post(f"{self.path}/orders", {"event_id": self.event, "items": wanted})
            tickets += [each["ticket_id"] for each in order["items"]]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return tuple(pool.map(self.code, tickets))

    def code(self, ticket: str) -> str:
        """Return what a ticket's QR code says."""
        return _good(self._http.get(f"{self.place}/tickets/{ticket}/code.txt")).text

    def offer(self, name: str) -> tuple[str, str]:
        """Offer an enrolment; return where it is, and the text of its code."""
        made = self.post(f"{self.path}/devices/enrolments", {"name": name})
        return f"{self.path}/devices/enrolments/{made['enrolment_id']}", made["offer"]

    def type_digits(self, enrolment: str, digits: str) -> str:
        """Type in what a device shows; return what became of the enrolment."""
        state: str = self.post(f"{enrolment}/digits", {"digits": digits})["state"]
        return state

    def summary(self) -> Any:
        """Return the event's merged view."""
        return self.get(f"{self.place}/checkins/summary")

    def records(self) -> list[Any]:
        """Return every record of the event."""
        return list(self.all(f"{self.place}/checkins/records"))

    def incidents(self) -> list[Any]:
        """Return every incident but those that later records have explained by themselves: an
        exit that came in after the entry behind it."""
        listed = self.all(f"{self.path}/incidents")
        return [each for each in listed if each["resolved_at"] is None]

    def status(self) -> dict[str, Any]:
        """Return how each gate is, by its name."""
        return {each["name"]: each for each in self.all(f"{self.path}/devices/status")}

    def close(self) -> None:
        """Hang up."""
        self._http.close()


def _good(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise RuntimeError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
    return answer
