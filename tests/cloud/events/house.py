"""The routes of events and keys, served over real HTTP on a real database, at a time of ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from cloud.accounts.permissions import ROLE_SCOPES, Role
from cloud.db.connect import new_pool, open_pool, open_up
from cloud.db.tenancy import Origin, TenantTx, tenant_tx
from cloud.errors import Refusal
from cloud.events.controller import ROUTES as EVENT_ROUTES
from cloud.http.access import Principal
from cloud.http.assembly import assemble
from cloud.http.kernel import Kernel, Rates
from cloud.keys.controller import ROUTES as KEY_ROUTES
from cloud.keys.issuers import Issuers
from cloud.keys.keyring import Keyring
from cloud.keys.sealing import MasterKey
from tests.cloud.database import Database
from tests.cloud.serving import serving
from tests.cloud.trust import TRUST

TENANT: Final = UUID(int=1)
OTHER: Final = UUID(int=2)
PEOPLE: Final = {name: UUID(int=n) for n, name in
                 enumerate(("owner", "staff", "artist", "singer", "fan", "rival"), 11)}  # fmt: skip
ROLES: Final = {"owner": "owner", "staff": "staff", "artist": "artist", "singer": "artist"}
START: Final = datetime(2027, 1, 10, 12, tzinfo=UTC)
MASTER: Final = bytes(range(32))


class Unlimited:
    """Counts nothing: these tests are not about rates."""

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Let everything through."""
        return 0


class Names:
    """Credentials are names: `Bearer owner`."""

    def principal(self, authorization: str, now: datetime) -> Principal:
        """Return the account of a name."""
        name = authorization.removeprefix("Bearer ")
        return Principal("account", f"account:{PEOPLE[name]}", PEOPLE[name])

    async def key_scopes(self, tx: TenantTx, secret: str) -> tuple[str, frozenset[str]]:
        """Know no key."""
        raise Refusal("credentials_invalid")

    def role_scopes(self, role: str | None) -> frozenset[str]:
        """Return what the real table says."""
        return frozenset() if role is None else frozenset(map(str, ROLE_SCOPES[Role(role)]))


class House:
    """The service, its clock, and short words for what tests do with it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START
        self.keyring = Keyring(MasterKey(MASTER))
        self.issuers = Issuers(self.keyring)
        self.http = httpx.Client(timeout=60, verify=TRUST)

    def call(
        self, method: str, path: str, body: Any = None, *, who: str = "owner",
        tenant: UUID = TENANT, status: int | None = None,
    ) -> Any:  # fmt: skip
        """Send a request; return its JSON where it is answered as expected, else the response."""
        headers = {"authorization": f"Bearer {who}"} if who else {}
        url = f"/v1/tenants/{tenant}{path}"
        response = self.http.request(method, url, json=body, headers=headers)
        if status is None:
            return response
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def refused(self, method: str, path: str, body: Any = None, **named: Any) -> tuple[str, str]:
        """Send a request that must be refused; return the code, and the field to blame."""
        response = self.call(method, path, body, **named)
        assert response.status_code >= 400, response.text
        problem = response.json()
        return problem["code"], (problem.get("errors") or [{}])[0].get("field", "")

    def venue(self, **given: Any) -> dict[str, Any]:
        """Make a venue with a field, a stage inside it, and two gates."""
        body = {
            "name": "Park", "timezone": "Europe/Madrid",
            "zones": [{"id": 1, "name": "Field"}, {"id": 2, "name": "Stage", "parent": 1}],
            "gates": [{"id": 1, "name": "North", "zone": 1}, {"id": 2, "name": "Pit", "zone": 2}],
        }  # fmt: skip
        made: dict[str, Any] = self.call("POST", "/venues", body | given, status=201)
        return made

    def event(self, **given: Any) -> dict[str, Any]:
        """Make a draft, ten days from now."""
        doors = self.now + timedelta(days=10)
        body = {
            "venue_id": given.pop("venue_id", None) or self.venue()["venue_id"],
            "name": "Night", "currency": "eur", "doors_at": doors.isoformat(),
            "starts_at": (doors + timedelta(hours=1)).isoformat(),
            "ends_at": (doors + timedelta(hours=6)).isoformat(),
        }  # fmt: skip
        made: dict[str, Any] = self.call("POST", "/events", body | given, status=201)
        return made

    def add_class(self, event_id: str, **given: Any) -> dict[str, Any]:
        """Add a class of three tickets."""
        body = {"name": "Entry", "price": 2500, "entry": {"zones": [1]}}
        if "seats" not in given:
            body["capacity"] = 3
        made: dict[str, Any] = self.call(
            "POST", f"/events/{event_id}/classes", body | given, status=201
        )
        return made

    def published(self, **given: Any) -> dict[str, Any]:
        """Publish an event with one class of three tickets."""
        event_id = self.event(**given)["event_id"]
        self.add_class(event_id)
        return self.publish(event_id)

    def publish(self, event_id: str) -> dict[str, Any]:
        """Publish a draft as it now is."""
        version = self.read(event_id)["organizer"]["version"]
        made: dict[str, Any] = self.call(
            "POST", f"/events/{event_id}/publish", {"version": version}, status=200
        )
        return made

    def read(self, event_id: str, who: str = "owner") -> dict[str, Any]:
        """Read an event."""
        found: dict[str, Any] = self.call("GET", f"/events/{event_id}", who=who, status=200)
        return found

    def classes(self, event_id: str, who: str = "owner") -> list[dict[str, Any]]:
        """Read an event's classes."""
        found: list[dict[str, Any]] = self.call(
            "GET", f"/events/{event_id}/classes", who=who, status=200
        )
        return found

    def messages(self, event_id: str) -> list[str]:
        """Return the topics told about an event, in order."""
        sql = "SELECT topic FROM outbox WHERE key = $1 ORDER BY message_id"
        return [row["topic"] for row in self.database.rows(sql, f"event:{event_id}")]

    @asynccontextmanager
    async def tx(self, tenant: UUID = TENANT) -> AsyncIterator[TenantTx]:
        """Open a transaction of the worker's."""
        pool = await open_pool(self.database.app_url, size=1)
        try:
            async with tenant_tx(pool, tenant, Origin("worker"), self.now) as tx:
                yield tx
        finally:
            await pool.close()


@pytest.fixture(scope="module")
def house(database: Database) -> Iterator[House]:
    """Serve events and keys to two tenants."""
    made = House(database)
    members = ", ".join(f"('{PEOPLE[name]}', '{role}')" for name, role in ROLES.items())
    accounts = ", ".join(f"('{each}', '{name}@x.test')" for name, each in PEOPLE.items())
    database.run(
        f"""
        INSERT INTO tenant (tenant_id, slug, name) VALUES ('{TENANT}', 'one', 'One'),
            ('{OTHER}', 'two', 'Two');
        INSERT INTO account (account_id, email) VALUES {accounts};
        SELECT set_config('app.tenant', '{TENANT}', false);
        INSERT INTO member (account_id, role) VALUES {members};
        SELECT set_config('app.tenant', '{OTHER}', false);
        INSERT INTO member (account_id, role) VALUES ('{PEOPLE["rival"]}', 'owner');
        """
    )
    with serving(lambda: _application(made)) as address, made.http:
        made.http.base_url = httpx.URL(address)
        yield made


def _application(house: House) -> Any:
    pool = new_pool(house.database.app_url)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        await open_up(pool)
        yield
        await pool.close()

    async def never(*_: object, **__: object) -> bytes:
        raise Refusal("credentials_invalid")

    kernel = Kernel(
        pool=pool,
        clock=lambda: house.now,
        sealer=MasterKey(MASTER),
        gatekeeper=Names(),
        devices=never,
        limiter=Unlimited(),
        rates=Rates(),
        new_id=lambda: uuid4().hex,
    )
    routes = [*EVENT_ROUTES, *KEY_ROUTES]
    return assemble(kernel, routes, {"issuers": house.issuers}, lifespan=[life])
