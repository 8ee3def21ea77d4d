"""The payment provider's messages: proved genuine, stored once, acted upon once.

Here rather than in cloud/payments, which knows the provider and nothing of orders. A message
says to which tenant and order it belongs in the metadata that we gave the payment; since its
signature is verified first, nobody else can say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar import Request, post
from litestar.di import NamedDependency

from cloud.db.tenancy import PlatformTx, TenantTx, enter
from cloud.errors import Refusal
from cloud.http.access import anyone
from cloud.http.unit import Unit
from cloud.keys.issuers import Issuers
from cloud.orders import payment_rows, refunding, repository
from cloud.orders.settling import settle
from cloud.payments import webhooks
from cloud.payments.objects import Intent, RefundResult
from cloud.payments.webhooks import MalformedWebhook, ProviderEvent, UntrustedWebhook

LOG = structlog.get_logger("usher.payments")
BODY_LIMIT: Final = 256 * 1024
PER_MINUTE: Final = 60_000  # from one address: the provider's, on a busy sale
ACTOR: Final = "stripe"
# What says how a payment stands; the others of its kind tell nothing that changes an order.
TELLING: Final = frozenset(
    {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"}
)


@dataclass(frozen=True)
class WebhookSecrets:
    """What webhooks are signed with: the newest first, several while one is being replaced."""

    values: tuple[str, ...]

    def __repr__(self) -> str:
        return f"WebhookSecrets({len(self.values)})"


class Heard(msgspec.Struct, frozen=True):
    """What was done about a message."""

    outcome: str


@post(
    "/v1/webhooks/stripe",
    opt={
        **anyone(),
        "body_limit": BODY_LIMIT,
        "own_credentials": True,
        "takes": ("application/json", "{}"),
    },
    status_code=200,
    tags=["payments"],
    operation_id="hearStripe",
    summary="Take a message of the payment provider",
)
async def hear_stripe(
    request: Request[Any, Any, Any],
    webhook_secrets: NamedDependency[WebhookSecrets],
    issuers: NamedDependency[Issuers],
) -> Heard:
    """Act on a message that the provider has signed. Repeated, late or reordered, it changes
    nothing twice.
    """
    # Only what is genuine gets a connection of the database.
    unit: Unit = request.scope["state"]["unit"]
    event = _genuine(
        await request.body(),
        request.headers.get("stripe-signature", ""),
        webhook_secrets,
        int(unit.now.timestamp()),
    )
    outcome = await hear(await unit.platform(request), issuers, event)
    LOG.info("payment_event", message=event.id, type=event.type, outcome=outcome)
    return Heard(outcome)


def _genuine(body: bytes, header: str, secrets: WebhookSecrets, now: int) -> ProviderEvent:
    try:
        return webhooks.verify(body, header, secrets.values, now)
    except (MalformedWebhook, UntrustedWebhook) as bad:
        code = bad.code
    raise Refusal(code)


async def hear(ptx: PlatformTx, issuers: Issuers, event: ProviderEvent) -> str:
    """Act on a genuine message; return what was done."""
    told = event.object
    if not isinstance(told, Intent | RefundResult):
        return "irrelevant"
    tenant = _id(told.metadata, "tenant")
    # A suspended tenant sells nothing more, but what was paid for buys its tickets.
    if tenant is None or (await enter(ptx.conn, tenant, ACTOR)).known is None:
        return "unknown tenant"
    tx = TenantTx(ptx.conn, tenant, ptx.origin._replace(actor=ACTOR), ptx.now)
    if not await payment_rows.store(tx, event.id, event.type, _id(told.metadata, "order")):
        return "repeated"
    outcome = await _act(tx, issuers, event.type, told)
    await payment_rows.note(tx, event.id, outcome)
    return outcome


async def _act(tx: TenantTx, issuers: Issuers, kind: str, told: Intent | RefundResult) -> str:
    if isinstance(told, RefundResult):
        return await refunding.told(tx, told)
    if kind not in TELLING:
        return "irrelevant"
    order_id = _id(told.metadata, "order")
    order = await repository.lock(tx, order_id) if order_id else None
    if order is None:
        return "unknown order"
    return await settle(tx, issuers, order, told)


def _id(metadata: Mapping[str, str], name: str) -> UUID | None:
    try:
        return UUID(metadata.get(name, ""))
    except ValueError:
        return None


ROUTES = (hear_stripe,)
