"""The buyer pays, or gives the hold up."""

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.keys.issuers import Issuers
from cloud.orders import holding, payment_rows, repository
from cloud.orders.model import DONE, OPEN, Act, State, advance
from cloud.orders.repository import Order
from cloud.orders.settling import purchase, settle
from cloud.orders.till import Till, is_open
from cloud.payments.objects import Intent, IntentStatus
from cloud.spans import joining


async def pay(tx: TenantTx, till: Till, issuers: Issuers, order: Order) -> str | None:
    """Ask for the payment of an order, which is locked; return the secret to complete it with.

    None: there is nothing to complete, for the order is paid.
    """
    if order.state in DONE:
        return None
    if order.state not in OPEN or order.hold_until <= tx.now:
        raise Refusal("hold_over")
    if order.event_state != "published":
        raise Refusal("event_not_on_sale")
    with joining("order pay", order.trace):
        return await _pay(tx, till, issuers, order)


async def _pay(tx: TenantTx, till: Till, issuers: Issuers, order: Order) -> str | None:
    if order.total == 0:
        await take_free(tx, issuers, order)
        return None
    intent, attempt = await _intent(tx, till, order)
    if intent.status is IntentStatus.SUCCEEDED:
        await settle(tx, issuers, order, intent)
        return None
    await payment_rows.asked(tx, order.order_id, intent.id, attempt)
    await repository.set_state(tx, order.order_id, advance(order.state, Act.ASK))
    return intent.client_secret


async def take_free(tx: TenantTx, issuers: Issuers, order: Order) -> None:
    """Give the buyer an order that costs nothing."""
    items = await repository.items_of(tx, order.order_id)
    await purchase(tx, issuers, order, [item.ticket_id for item in items])


async def give_up(tx: TenantTx, till: Till, issuers: Issuers, order: Order) -> None:
    """End the hold of an order, which is locked. One that was just paid stays paid."""
    if order.state in DONE:
        raise Refusal("order_paid")
    if order.state not in OPEN:
        return
    if order.state is State.PAYING and order.intent is not None:
        intent = await till.cancel(order.intent)
        if is_open(intent):
            raise Refusal("payment_under_way")
        if await settle(tx, issuers, order, intent) == "paid":
            return
    await holding.end(tx, order, Act.CANCEL)


async def _intent(tx: TenantTx, till: Till, order: Order) -> tuple[Intent, int]:
    """Return the order's payment and its attempt: the one that there is while it can be paid."""
    attempt = order.attempt or 1
    if order.intent is not None:
        intent = await till.retrieve(order.intent)
        if intent.status is not IntentStatus.CANCELED:
            return intent, attempt
        await payment_rows.canceled(tx, intent.id)
        attempt += 1
    metadata = {"tenant": str(tx.tenant), "order": str(order.order_id)}
    key = f"order-{order.order_id}-{attempt}"
    return await till.create(order.total, order.currency, metadata, key), attempt
