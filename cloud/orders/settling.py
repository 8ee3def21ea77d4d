"""What becomes of an order when the provider says how a payment stands.

The same whatever brought the news: a webhook, a sweep, or the buyer who asks again. What was
acted upon is known by the payment's row, so news that comes twice, late or in another order
changes nothing twice.
"""

from typing import Final
from uuid import UUID

from cloud.books import repository as books
from cloud.books.model import Fact, late_payment, sale
from cloud.db.tenancy import TenantTx
from cloud.keys.issuers import Issuers
from cloud.orders import payment_rows, refund_rows, repository, ticket_rows
from cloud.orders.model import Act, Due, Verdict, advance, judge
from cloud.orders.refund_rows import NewRefund
from cloud.orders.refunding import request
from cloud.orders.repository import Order
from cloud.payments.objects import Intent, IntentStatus
from cloud.spans import joining
from cloud.tickets.issuing_rows import keep_keys
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import move_all
from cloud.tickets.signing import sign

WORDS: Final = {
    Verdict.WRONG_AMOUNT: "wrong_amount",
    Verdict.OTHER_PAYMENT: "other_payment",
    Verdict.ALREADY_PAID: "already_paid",
    Verdict.EVENT_OFF: "event_off",
    Verdict.BUYS: "tickets_gone",
    Verdict.BUYS_LATE: "tickets_gone",
}


async def settle(tx: TenantTx, issuers: Issuers, order: Order, intent: Intent) -> str:
    """Act on a payment of `order`, which is locked; return what was done."""
    with joining("order settle", order.trace):
        return await _settle(tx, issuers, order, intent)


async def _settle(tx: TenantTx, issuers: Issuers, order: Order, intent: Intent) -> str:
    match intent.status:
        case IntentStatus.SUCCEEDED:
            return await _received(tx, issuers, order, intent)
        case IntentStatus.CANCELED:
            await payment_rows.canceled(tx, intent.id)
            return "canceled"
        case IntentStatus.REQUIRES_PAYMENT_METHOD:
            await payment_rows.failed(tx, intent.id)
            return "failed"
    await payment_rows.checked(tx, intent.id)
    return "waiting"


async def purchase(tx: TenantTx, issuers: Issuers, order: Order, tickets: list[UUID]) -> None:
    """Turn the order's tickets, or free ones, into bought, signed, valid ones."""
    event, buyer = order.event_id, order.account_id
    bought = await ticket_rows.buy(tx, event, order.order_id, buyer, tickets)
    if bought != len(tickets):
        raise RuntimeError("an order has lost tickets that it held")
    await keep_keys(tx, event)
    await sign(tx, await issuers.of(tx, event), event, tickets)
    await move_all(tx, event, tickets, Move.ACTIVATE)
    await repository.set_state(tx, order.order_id, advance(order.state, Act.PAY))
    await books.append(
        tx, Fact.SALE, f"order:{order.order_id}", order.currency, sale(order.total, order.fee)
    )
    subject = f"order:{order.order_id}"
    await tx.audit("order.paid", subject, total=order.total, tickets=len(tickets))
    await tx.publish(
        "order.paid", subject, order_id=order.order_id, event_id=event, account_id=buyer
    )


async def _received(tx: TenantTx, issuers: Issuers, order: Order, intent: Intent) -> str:
    amount = intent.amount_received
    if not await payment_rows.received(tx, order.order_id, intent.id, amount):
        return "repeated"
    due = Due(order.state, order.total, order.currency, order.intent, order.event_state)
    verdict = judge(due, intent.id, amount, intent.currency)
    tickets = await _tickets(tx, order, verdict)
    if tickets is None:
        await _return(tx, order, intent, WORDS[verdict])
        return f"returned: {WORDS[verdict]}"
    await payment_rows.asked(tx, order.order_id, intent.id, order.attempt)
    await purchase(tx, issuers, order, tickets)
    return "paid"


async def _tickets(tx: TenantTx, order: Order, verdict: Verdict) -> list[UUID] | None:
    """Return the tickets that a payment buys; None: it buys none."""
    if verdict not in (Verdict.BUYS, Verdict.BUYS_LATE):
        return None
    items = await repository.items_of(tx, order.order_id)
    if verdict is Verdict.BUYS:
        return [item.ticket_id for item in items]
    return await ticket_rows.take_again(tx, order.event_id, order.order_id, items)


async def _return(tx: TenantTx, order: Order, intent: Intent, reason: str) -> None:
    """Give a payment back that buys nothing, whole."""
    order_id, amount = order.order_id, intent.amount_received
    subject = f"order:{order_id}"
    await tx.audit("payment.returned", subject, intent=intent.id, amount=amount, reason=reason)
    if amount <= 0:
        return
    currency = intent.currency
    await books.append(
        tx, Fact.LATE_PAYMENT, f"payment:{intent.id}", currency, late_payment(amount)
    )
    new = NewRefund(order_id, intent.id, False, currency, amount, 0, reason)  # noqa: FBT003
    refund = await refund_rows.make(tx, new)
    await request(tx, refund, order_id)
    await tx.publish(
        "order.payment_returned", subject, order_id=order_id, account_id=order.account_id,
        amount=amount, currency=currency, reason=reason,
    )  # fmt: skip
