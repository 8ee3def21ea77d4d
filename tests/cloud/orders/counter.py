"""The routes of orders and books behind a real server, with the fake's webhooks sent to it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from cloud.accounts.permissions import ROLE_SCOPES, Role
from cloud.books.controller import ROUTES as BOOKS
from cloud.db.connect import new_pool, open_up
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Principal
from cloud.http.assembly import assemble
from cloud.http.kernel import Kernel, Rates
from cloud.keys.sealing import MasterKey
from cloud.orders.controller import ROUTES as ORDERS
from cloud.orders.holding import Limits
from cloud.orders.till import Till
from cloud.orders.webhook import ROUTES as WEBHOOKS
from cloud.orders.webhook import WebhookSecrets
from cloud.payments.provider import StripeProvider
from tests.cloud.orders.shop import HOLD, MASTER, OTHER, TENANT, Shop
from tests.cloud.payments.processes import KEY, SECRET
from tests.cloud.serving import serving
from tests.cloud.trust import TRUST

OWNER: Final = 1900
STAFF: Final = 1901
RIVAL: Final = 1902
MEMBERS: Final = f"""
    SELECT set_config('app.tenant', '{TENANT}', false);
    INSERT INTO member (account_id, role)
    VALUES ('{UUID(int=OWNER)}', 'owner'), ('{UUID(int=STAFF)}', 'staff');
    SELECT set_config('app.tenant', '{OTHER}', false);
    INSERT INTO member (account_id, role) VALUES ('{UUID(int=RIVAL)}', 'owner');
"""


class Numbers:
    """Credentials are an account's number: `Bearer 1005`."""

    def principal(self, authorization: str, now: datetime) -> Principal:
        """Return the account."""
        account = UUID(int=int(authorization.removeprefix("Bearer ")))
        return Principal("account", f"account:{account}", account)

    async def key_scopes(self, tx: TenantTx, secret: str) -> tuple[str, frozenset[str]]:
        """Know no key."""
        raise Refusal("credentials_invalid")

    def role_scopes(self, role: str | None) -> frozenset[str]:
        """Return what the real table says."""
        return frozenset() if role is None else frozenset(map(str, ROLE_SCOPES[Role(role)]))


class Unlimited:
    """Counts nothing: these tests are not about rates."""

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Let everything through."""
        return 0


class Counter:
    """The served routes."""

    def __init__(self, shop: Shop, address: str) -> None:
        self.shop = shop
        self.http = httpx.Client(base_url=address, timeout=60, trust_env=False, verify=TRUST)

    def call(
        self, method: str, path: str, body: object = None, *, who: int = 1000,
        tenant: UUID = TENANT, key: str = "",
    ) -> httpx.Response:  # fmt: skip
        """Send a request as an account; 0: as nobody."""
        headers = {"authorization": f"Bearer {who}"} if who else {}
        if key:
            headers["idempotency-key"] = key
        return self.http.request(method, f"/v1/tenants/{tenant}{path}", json=body, headers=headers)

    def done(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Send a request that must succeed; return its JSON."""
        answer = self.call(method, path, body, **more)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
        """Send a request that must be refused; return status and code."""
        answer = self.call(method, path, body, **more)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    def hold(self, event: UUID, quantity: int = 1, **more: Any) -> dict[str, Any]:
        """Hold tickets of class 0."""
        items = [{"class_index": 0, "quantity": quantity}]
        body = {"event_id": str(event), "items": items}
        held: dict[str, Any] = self.done("POST", "/orders", body, **more)
        return held

    def card(self, payment: dict[str, Any], card: str = "pm_card_visa") -> None:
        """Pay as the buyer's browser does, with the client secret."""
        intent = payment["client_secret"].partition("_secret")[0]
        self.shop.fake.post(f"/v1/payment_intents/{intent}/confirm", {"payment_method": card})


@pytest.fixture(scope="module")
def counter(shop: Shop) -> Iterator[Counter]:
    """Serve the routes, and send them the fake's webhooks when a test flushes them."""
    shop.database.run(MEMBERS)
    with serving(lambda: _application(shop)) as address:
        shop.fake.test("webhook", url=f"{address}/v1/webhooks/stripe", secret=SECRET)
        shop.fake.test("mail", mode="hold")
        made = Counter(shop, address)
        with made.http:
            yield made


def _application(shop: Shop) -> Any:
    pool = new_pool(shop.database.app_url)
    provider = StripeProvider(KEY, shop.fake.address, timeout=60, retries=0)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        await open_up(pool)
        yield
        await provider.aclose()
        await pool.close()

    async def never(*_: object, **__: object) -> bytes:
        raise Refusal("credentials_invalid")

    kernel = Kernel(
        pool=pool,
        clock=lambda: datetime.now(UTC),
        sealer=MasterKey(MASTER),
        gatekeeper=Numbers(),
        devices=never,
        limiter=Unlimited(),
        rates=Rates(),
        new_id=lambda: uuid4().hex,
    )
    objects = {
        "issuers": shop.issuers,
        "till": Till(provider, 4, 60),
        "hold_limits": Limits(HOLD, 5),
        "webhook_secrets": WebhookSecrets((SECRET,)),
    }
    return assemble(kernel, [*ORDERS, *WEBHOOKS, *BOOKS], objects, lifespan=[life])
