"""The whole API behind a real uvicorn, with people, tenants and events to begin from.

    service = ...                        # the fixture of tests/cloud/conftest.py
    owner = service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant, capacity=100)
    buyer.post(f"{tenant.path}/orders", json=...)

The payment provider is our fake, as a process of its own; its webhooks reach the service.
"""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from cloud.app import create_app
from cloud.parts import Parts
from cloud.settings import Settings
from cloud.sweeps import sweep, sweep_platform
from cloud.worker import make_worker, platform_sweeps, sweeps
from tests.cloud.database import Database
from tests.cloud.payments import processes
from tests.cloud.serving import serving
from tests.cloud.trust import TRUST

PASSWORD: Final = "correct horse battery"
MASTER_KEY: Final = "11" * 32
FAST: Final = 1_000_000  # requests a minute: tests wait for no limit that they don't test


class Clock:
    """The time, which a test may move."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + self.offset

    def move(self, seconds: float) -> None:
        """Move the time on."""
        self.offset += timedelta(seconds=seconds)


class Person(httpx.Client):
    """Somebody who is signed in."""

    account_id: UUID
    email: str


@dataclass(frozen=True)
class Tenant:
    """A tenant and where its routes are."""

    tenant_id: UUID

    @property
    def path(self) -> str:
        """What its routes begin with."""
        return f"/v1/tenants/{self.tenant_id}"


@dataclass(frozen=True)
class Event:
    """A published event of one class, or as many as were asked for."""

    tenant: Tenant
    event_id: UUID
    venue_id: UUID

    @property
    def path(self) -> str:
        """What its routes begin with."""
        return f"{self.tenant.path}/events/{self.event_id}"


def good(response: httpx.Response, status: int = 0) -> Any:
    """Return what was answered, once it is sure to be a success."""
    assert response.is_success, f"{response.status_code}: {response.text}"
    assert status in (0, response.status_code)
    return response.json() if response.content else None


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return what was refused, once it is sure to be a problem document."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


@dataclass
class Service:
    """The API that is being served."""

    address: str
    settings: Settings
    database: Database
    payments: processes.Running
    clock: Clock
    _open: list[httpx.Client] = field(default_factory=list)

    def client(self, authorization: str = "") -> httpx.Client:
        """Return a client without an account."""
        headers = {"authorization": authorization} if authorization else {}
        client = httpx.Client(base_url=self.address, headers=headers, timeout=60, verify=TRUST)
        self._kept(client)
        return client

    def person(self, email: str = "", password: str = PASSWORD) -> Person:
        """Sign somebody up, prove the address, and sign them in."""
        email = email or f"{secrets.token_hex(6)}@example.org"
        with httpx.Client(base_url=self.address, timeout=60, verify=TRUST) as stranger:
            said = {"email": email, "password": password, "name": "Ada", "locale": "en"}
            good(stranger.post("/v1/accounts", json=said), 202)
            self.database.run(
                f"UPDATE account SET email_verified_at = now() WHERE email = '{email}'"
            )
            tokens = good(
                stranger.post("/v1/sessions", json={"email": email, "password": password})
            )
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        person = Person(base_url=self.address, headers=bearer, timeout=60, verify=TRUST)
        self._kept(person)
        person.email = email
        person.account_id = UUID(good(person.get("/v1/accounts/me"))["account_id"])
        return person

    def tenant(self, owner: httpx.Client, slug: str = "") -> Tenant:
        """Make a tenant that `owner` owns."""
        slug = slug or f"t{secrets.token_hex(6)}"
        made = good(owner.post("/v1/tenants", json={"slug": slug, "name": slug.title()}), 201)
        return Tenant(UUID(made["tenant_id"]))

    def event(
        self, owner: httpx.Client, tenant: Tenant, *, publish: bool = True, **first: Any
    ) -> Event:
        """Make an event that opens in 30 days; `first` says what its class is."""
        venue = good(owner.post(f"{tenant.path}/venues", json=VENUE), 201)
        doors = self.clock() + timedelta(days=30)
        said = {
            "venue_id": venue["venue_id"],
            "name": "Spring Night",
            "doors_at": doors.isoformat(),
            "starts_at": (doors + timedelta(hours=1)).isoformat(),
            "ends_at": (doors + timedelta(hours=5)).isoformat(),
            "currency": "eur",
        }
        made = good(owner.post(f"{tenant.path}/events", json=said), 201)
        event = Event(tenant, UUID(made["event_id"]), UUID(venue["venue_id"]))
        self.ticket_class(owner, event, **first)
        if publish:
            self.publish(owner, event)
        return event

    def ticket_class(self, owner: httpx.Client, event: Event, **said: Any) -> Any:
        """Add a class to an event."""
        given = {"name": "Standing", "price": 2500, "entry": {"zones": [1]}} | said
        if "seats" not in given:
            given.setdefault("capacity", 100)
        return good(owner.post(f"{event.path}/classes", json=given), 201)

    def publish(self, owner: httpx.Client, event: Event) -> None:
        """Publish an event."""
        version = good(owner.get(event.path))["organizer"]["version"]
        good(owner.post(f"{event.path}/publish", json={"version": version}))

    def buy(
        self, buyer: httpx.Client, event: Event, quantity: int = 1, *, card: str = "pm_card_visa"
    ) -> Any:
        """Hold, pay, and wait until the service has heard of it; return the order."""
        wanted = {
            "event_id": str(event.event_id),
            "items": [{"class_index": 0, "quantity": quantity}],
        }
        order = good(buyer.post(f"{event.tenant.path}/orders", json=wanted), 201)
        path = f"{event.tenant.path}/orders/{order['order_id']}"
        if order["state"] == "paid":
            return order
        payment = good(buyer.post(f"{path}/payment"))
        self.pay(payment, card)
        return self.until(lambda: good(buyer.get(path)), lambda seen: seen["state"] == "paid")

    def pay(self, payment: Any, card: str = "pm_card_visa") -> httpx.Response:
        """Pay as a browser does, with a test card."""
        intent = payment["client_secret"].partition("_secret_")[0]
        return self.payments.post(f"/v1/payment_intents/{intent}/confirm", {"payment_method": card})

    def until(self, look: Any, told: Any, seconds: float = 30) -> Any:
        """Return what `look` sees once `told` says yes."""

        async def wait() -> Any:
            async with asyncio.timeout(seconds):
                while not told(seen := look()):  # noqa: ASYNC110 - another process tells
                    await asyncio.sleep(0.05)
            return seen

        return asyncio.run(wait())

    def work(self) -> None:
        """Do what a worker would: dispatch what is due, and sweep once."""

        async def round_() -> None:
            parts = Parts(self.settings)
            async with parts.open():
                await make_worker(parts, self.clock).dispatch_all()
                for each in sweeps(parts):
                    await sweep(parts.pool, each, self.clock)
                for every in platform_sweeps():
                    await sweep_platform(parts.pool, every, self.clock)
                await make_worker(parts, self.clock).dispatch_all()

        asyncio.run(round_())

    def _kept(self, client: httpx.Client) -> None:
        self._open.append(client)

    def close(self) -> None:
        """Close every client."""
        for client in self._open:
            client.close()


VENUE: Final = {
    "name": "Harbour Hall",
    "timezone": "Europe/Berlin",
    "zones": [{"id": 1, "name": "Hall"}],
    "gates": [
        {"id": 1, "name": "North", "zone": 1},
        {"id": 2, "name": "South", "zone": 1, "direction": "both"},
    ],
}


@contextmanager
def running(database: Database, redis_url: str, folder: Path, **more: Any) -> Iterator[Service]:
    """Serve the API on a database and a Valkey. `more`: settings."""
    clock = Clock()
    with processes.fake(folder / "payments.sqlite", "--retry-wait", "0.05") as payments:
        settings = Settings(
            database_url=database.app_url,
            owner_url=database.owner_url,
            redis_url=redis_url,
            master_key=MASTER_KEY,
            payments_url=payments.address,
            payments_key=processes.KEY,
            webhook_secrets=(processes.SECRET,),
            rate_address=FAST,
            rate_account=FAST,
            rate_key=FAST,
            rate_device=FAST,
            rate_sensitive=FAST,
            **more,
        )
        with serving(lambda: create_app(settings, clock)) as address:
            payments.test("webhook", url=f"{address}/v1/webhooks/stripe", secret=processes.SECRET)
            service = Service(address, settings, database, payments, clock)
            try:
                yield service
            finally:
                service.close()
