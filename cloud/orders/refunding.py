"""Tickets given back, and the money for them.

A ticket's code dies when the refund is asked for; the money follows by the outbox, so that a
provider who is away delays it and loses nothing.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cloud.books import repository as books
from cloud.books.model import Fact, refund_bounced, refund_due, refund_paid
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.orders import refund_rows, repository, ticket_rows
from cloud.orders.model import Act, Item, Share, State, advance, share
from cloud.orders.refund_rows import NewRefund, Refund
from cloud.orders.repository import Order
from cloud.payments.objects import RefundResult, RefundStatus
from cloud.payments.provider import Provider, ProviderRefused
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import lock, move

ENDED_BADLY: Final = (RefundStatus.FAILED, RefundStatus.CANCELED)


async def give_back(
    tx: TenantTx, order: Order, wanted: Sequence[UUID] | None, reason: str
) -> UUID | None:
    """Take tickets of `order`, which is locked, back; None: all that are left.

    Returns the refund's id, or None where nothing was paid for them.
    """
    if order.state is not State.PAID:
        raise Refusal("nothing_to_refund")
    items = await repository.items_of(tx, order.order_id)
    chosen = _chosen(items, wanted)
    worth = share(chosen)
    tickets = [item.ticket_id for item in chosen]
    await lock(tx, order.event_id, tickets)
    # One that was revoked before stays so; its money goes back all the same.
    await move(tx, order.event_id, tickets, Move.REFUND, reason=reason)
    await ticket_rows.give_back(tx, order.order_id, tickets, worth.amount)
    refund = await _owe(tx, order, worth, reason) if worth.amount else None
    if sum(not item.refunded for item in items) == len(chosen):
        state = advance(order.state, Act.GIVE_BACK)
        await repository.set_state(tx, order.order_id, state)
        await _close(tx, order.order_id, state)
    subject = f"order:{order.order_id}"
    await tx.audit("order.refunded", subject, amount=worth.amount, tickets=len(tickets))
    await tx.publish(
        "order.refunded", subject, order_id=order.order_id, event_id=order.event_id,
        account_id=order.account_id, ticket_ids=tickets, amount=worth.amount,
        currency=order.currency,
    )  # fmt: skip
    return refund


def _chosen(items: Sequence[Item], wanted: Sequence[UUID] | None) -> list[Item]:
    left = [item for item in items if not item.refunded]
    if wanted is None:
        return left
    by_ticket = {item.ticket_id: item for item in items}
    for place, ticket in enumerate(wanted):
        if ticket not in by_ticket:
            raise Refusal("not_in_order", field=f"/tickets/{place}")
        if by_ticket[ticket].refunded:
            raise Refusal("already_refunded", field=f"/tickets/{place}")
    return [by_ticket[ticket] for ticket in dict.fromkeys(wanted)]


async def _owe(tx: TenantTx, order: Order, worth: Share, reason: str) -> UUID:
    if order.intent is None:
        raise RuntimeError("an order was paid by no payment")
    made = NewRefund(
        order.order_id,
        order.intent,
        of_tickets=True,
        currency=order.currency,
        amount=worth.amount,
        fee=worth.fee,
        reason=reason,
    )
    refund = await refund_rows.make(tx, made)
    postings = refund_due(worth.amount, worth.fee)
    await books.append(tx, Fact.REFUND_DUE, f"refund:{refund}", order.currency, postings)
    await request(tx, refund, order.order_id)
    return refund


async def send(tx: TenantTx, provider: Provider, refund_id: UUID) -> None:
    """Ask the provider for a refund, unless that was done."""
    refund, order = await _locked(tx, refund_id)
    if refund.state != "requested":
        return
    metadata = {
        "tenant": str(tx.tenant), "order": str(order.order_id), "refund": str(refund_id),
        "attempt": str(refund.attempt),
    }  # fmt: skip
    try:
        result = await provider.refund(
            refund.intent, refund.amount, refund.currency, key=refund.key, metadata=metadata
        )
    except ProviderRefused as refused:
        # Its memory of keys is shorter than an outage may be: perhaps this was done before.
        found = await find(provider, refund)
        if found is None:
            await _fail(tx, order, refund, None, refused.code)
            return
        result = found
    await settle(tx, order, refund, result)


async def find(provider: Provider, refund: Refund) -> RefundResult | None:
    """Return what the provider has of a refund's latest attempt."""
    for each in await provider.retrieve_refunds(refund.intent):
        if each.metadata.get("refund") == str(refund.refund_id) and _is_of(refund, each):
            return each
    return None


def _is_of(refund: Refund, result: RefundResult) -> bool:
    return result.metadata.get("attempt", "1") == str(refund.attempt)


async def again(tx: TenantTx, order: Order) -> None:
    """Ask anew for each refund of `order`, which is locked, that failed: it is still owed."""
    failed = await refund_rows.again(tx, order.order_id)
    if not failed:
        raise Refusal("no_failed_refund")
    for refund in failed:
        await tx.audit("refund.tried_again", f"refund:{refund}")
        await request(tx, refund, order.order_id)


async def request(tx: TenantTx, refund: UUID, order_id: UUID) -> None:
    """Have the provider asked for a refund, by the outbox."""
    await tx.publish("refund.requested", f"refund:{refund}", refund_id=refund, order_id=order_id)


async def settle(tx: TenantTx, order: Order, refund: Refund, result: RefundResult) -> str:
    """Act on how a refund stands at the provider; its order is locked. Returns what was done."""
    if not _is_of(refund, result):
        return "earlier attempt"
    if result.status in ENDED_BADLY:
        if refund.state == "failed":
            return "repeated"
        await _fail(tx, order, refund, result.id, result.failure_reason or result.status.value)
        return "refund failed"
    # One that failed has failed: what says otherwise is older news.
    if refund.state in ("succeeded", "failed"):
        return "repeated"
    if result.status is not RefundStatus.SUCCEEDED:
        await refund_rows.set_state(tx, refund.refund_id, "sent", result.id)
        return "refund waiting"
    await _succeed(tx, order, refund, result)
    return "refund paid"


async def _succeed(tx: TenantTx, order: Order, refund: Refund, result: RefundResult) -> None:
    subject = f"refund:{refund.key}"
    await refund_rows.set_state(tx, refund.refund_id, "succeeded", result.id)
    await books.append(tx, Fact.REFUND_PAID, subject, refund.currency, refund_paid(refund.amount))
    await _close(tx, order.order_id, order.state)
    await tx.publish(
        "refund.succeeded", f"order:{order.order_id}", refund_id=refund.refund_id,
        order_id=order.order_id, account_id=order.account_id, amount=refund.amount,
        currency=refund.currency,
    )  # fmt: skip


async def _fail(
    tx: TenantTx, order: Order, refund: Refund, provider_refund: str | None, fault: str
) -> None:
    """Leave it to a person: the books go on owing the buyer."""
    subject = f"refund:{refund.refund_id}"
    if refund.state == "succeeded":
        postings = refund_bounced(refund.amount)
        await books.append(
            tx, Fact.REFUND_BOUNCED, f"refund:{refund.key}", refund.currency, postings
        )
        if order.state is State.REFUNDED:
            await repository.set_state(tx, order.order_id, advance(order.state, Act.BOUNCE))
    await refund_rows.set_state(tx, refund.refund_id, "failed", provider_refund, fault)
    await tx.audit("refund.failed", subject, amount=refund.amount, fault=fault)
    await tx.publish(
        "refund.failed", f"order:{order.order_id}", refund_id=refund.refund_id,
        order_id=order.order_id, amount=refund.amount, currency=refund.currency, fault=fault,
    )  # fmt: skip


async def _close(tx: TenantTx, order_id: UUID, state: State) -> None:
    """End an order of which everything was given back and paid back."""
    if state is State.REFUNDING and not await refund_rows.owed(tx, order_id):
        await repository.set_state(tx, order_id, advance(state, Act.SETTLE))


async def _locked(tx: TenantTx, refund_id: UUID) -> tuple[Refund, Order]:
    order_id = await refund_rows.order_of(tx, refund_id)
    order = await repository.lock(tx, order_id) if order_id else None
    if order is None:
        raise LookupError("no such refund")
    return await refund_rows.read(tx, refund_id), order


async def told(tx: TenantTx, result: RefundResult) -> str:
    """Act on the provider's message about a refund; return what was done."""
    try:
        refund_id = UUID(result.metadata.get("refund", ""))
        refund, order = await _locked(tx, refund_id)
    except (ValueError, LookupError):
        return "unknown refund"
    return await settle(tx, order, refund, result)
