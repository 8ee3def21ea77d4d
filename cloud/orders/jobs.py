"""What the worker does for orders: holds that lapse, news that was lost, refunds.

`handlers` and `sweeps` are what the worker's composition root takes. A sweep does one batch in
one transaction, and skips what another worker has.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString, TypeVar
from uuid import UUID

import structlog

from cloud.db.connect import Connection
from cloud.db.outbox import Away
from cloud.db.tenancy import TenantTx
from cloud.keys.issuers import Issuers
from cloud.messages.consumer import Handler, Message
from cloud.orders import holding, payment_rows, refund_rows, refunding, repository, ticket_rows
from cloud.orders.model import OPEN, Act, State
from cloud.orders.repository import Order
from cloud.orders.settling import settle
from cloud.orders.till import give_up, is_open
from cloud.payments.objects import Intent
from cloud.payments.provider import Provider, ProviderAway, ProviderRefused
from cloud.sweeps import Sweep

T = TypeVar("T")
LOG = structlog.get_logger("usher.orders")
BATCH: Final = 25  # orders
SILENCE: Final = timedelta(seconds=60)  # after which the provider is asked what became of it
POSTPONED: Final = timedelta(seconds=60)  # a hold, while the provider can't say if it was paid
PATIENCE: Final = 10.0  # seconds that the provider has for an answer
CANCELLED: Final = "The event was cancelled."

OVERDUE: Final[LiteralString] = "SELECT tenants_with_open_holds($1) AS tenant_id"
SILENT: Final[LiteralString] = "SELECT tenants_with_open_payments($1) AS tenant_id"
LAPSED: Final[LiteralString] = """
    SELECT p.*, e.state AS event_state FROM purchase p JOIN event e USING (tenant_id, event_id)
     WHERE p.tenant_id = current_tenant() AND p.state IN ('held', 'paying') AND p.hold_until < $1
     ORDER BY p.hold_until LIMIT $2 FOR UPDATE OF p SKIP LOCKED
"""
POSTPONE: Final[LiteralString] = """
    UPDATE purchase SET hold_until = $2 WHERE tenant_id = current_tenant() AND order_id = $1
"""
OF_EVENT: Final[LiteralString] = """
    SELECT p.*, e.state AS event_state FROM purchase p JOIN event e USING (tenant_id, event_id)
     WHERE p.tenant_id = current_tenant() AND p.event_id = $1 AND p.state = 'paid'
     ORDER BY p.order_id LIMIT $2 FOR UPDATE OF p
"""
END_HOLDS: Final[LiteralString] = """
    UPDATE purchase SET hold_until = least(hold_until, $2)
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state IN ('held', 'paying')
"""


async def overdue(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with holds whose time is over."""
    return [row["tenant_id"] for row in await conn.fetch(OVERDUE, now)]


async def silent(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with payments and refunds that were not heard of for long."""
    return [row["tenant_id"] for row in await conn.fetch(SILENT, now - SILENCE)]


async def lapse(tx: TenantTx, provider: Provider, issuers: Issuers) -> int:
    """End holds whose time is over; one that was paid meanwhile is bought instead."""
    rows = await tx.conn.fetch(LAPSED, tx.now, BATCH)
    orders = [repository.order(row) for row in rows]
    waiting = [order for order in orders if order.state is State.PAYING and order.intent]
    answers = await _ask([give_up(provider, order.intent or "") for order in waiting])
    said = dict(zip((order.order_id for order in waiting), answers, strict=True))
    await ticket_rows.lock(tx, [order.order_id for order in orders])
    for order in orders:
        await _lapse(tx, issuers, order, said.get(order.order_id, "no payment"))
    return len(orders)


async def _lapse(tx: TenantTx, issuers: Issuers, order: Order, said: Intent | str | None) -> None:
    if said is None or (isinstance(said, Intent) and is_open(said)):
        # Perhaps it is being paid: its tickets are nobody else's until that is known.
        await tx.conn.execute(POSTPONE, order.order_id, tx.now + POSTPONED)
        return
    if isinstance(said, Intent) and await settle(tx, issuers, order, said) == "paid":
        return
    await holding.end(tx, order, Act.LAPSE)


async def reconcile(tx: TenantTx, provider: Provider, issuers: Issuers) -> int:
    """Ask the provider about payments and refunds that it has long said nothing of."""
    before = tx.now - SILENCE
    payments = await payment_rows.unsettled(tx, before, BATCH)
    orders = [await _order(tx, payment.order_id) for payment in payments]
    answers = await _ask(
        # Nobody waits for the payment of an order that is over.
        [
            (retrieve if order.state in OPEN else give_up)(provider, payment.intent)
            for order, payment in zip(orders, payments, strict=True)
        ]
    )
    await ticket_rows.lock(tx, [order.order_id for order in orders])
    for payment, intent in zip(payments, answers, strict=True):
        if intent is None:
            await payment_rows.checked(tx, payment.intent)
        else:  # its order as it now is: another of these may have been a payment of it too
            await settle(tx, issuers, await _order(tx, payment.order_id), intent)
    return len(payments) + await _recheck(tx, provider, before)


async def _recheck(tx: TenantTx, provider: Provider, before: datetime) -> int:
    refunds = await refund_rows.sent(tx, before, BATCH)
    answers = await _ask([refunding.find(provider, refund) for refund in refunds])
    for refund, found in zip(refunds, answers, strict=True):
        if found is None:
            await refund_rows.set_state(tx, refund.refund_id, "sent", None)
        else:
            await refunding.settle(tx, await _order(tx, refund.order_id), refund, found)
    return len(refunds)


async def _order(tx: TenantTx, order_id: UUID) -> Order:
    order = await repository.lock(tx, order_id)
    if order is None:
        raise LookupError("no such order")
    return order


async def retrieve(provider: Provider, intent: str) -> Intent:
    """Return a payment as it stands."""
    return await provider.retrieve(intent)


async def _ask(questions: Sequence[Awaitable[T]]) -> list[T | None]:
    """Ask all at once; None: the provider did not say."""

    async def one(question: Awaitable[T]) -> T | None:
        try:
            return await asyncio.wait_for(question, PATIENCE)
        except (ProviderAway, TimeoutError):
            return None
        except ProviderRefused as refused:
            # One that the provider doesn't know holds up no other; a person must look.
            LOG.error("provider_refused", fault=refused.code)
            return None

    return list(await asyncio.gather(*(one(question) for question in questions)))


async def on_refund_requested(tx: TenantTx, message: Message, provider: Provider) -> None:
    """Ask the provider for the money."""
    # What takes longer is tried again with the same key; here it would lock the order.
    try:
        async with asyncio.timeout(PATIENCE):
            await refunding.send(tx, provider, UUID(message.payload["refund_id"]))
    except (ProviderAway, TimeoutError) as error:
        raise Away from error


async def on_event_cancelled(tx: TenantTx, message: Message) -> None:
    """End the holds of a cancelled event, and give every paid order back, batch by batch."""
    event_id = UUID(message.payload["event_id"])
    await tx.conn.execute(END_HOLDS, event_id, tx.now)
    rows = await tx.conn.fetch(OF_EVENT, event_id, BATCH)
    await ticket_rows.lock(tx, [row["order_id"] for row in rows])
    for row in rows:
        await refunding.give_back(tx, repository.order(row), None, CANCELLED)
    if len(rows) == BATCH:
        await tx.publish("orders.event_cancelled", message.key, event_id=event_id)


def handlers(provider: Provider) -> Mapping[str, Handler]:
    """Return the handlers of messages, by topic."""

    async def refund(tx: TenantTx, message: Message) -> None:
        await on_refund_requested(tx, message, provider)

    return {
        "refund.requested": refund,
        "event.cancelled": on_event_cancelled,
        "orders.event_cancelled": on_event_cancelled,
    }


def sweeps(provider: Provider, issuers: Issuers) -> tuple[Sweep, ...]:
    """Return the sweeps."""

    async def lapsing(tx: TenantTx) -> int:
        return await lapse(tx, provider, issuers)

    async def reconciling(tx: TenantTx) -> int:
        return await reconcile(tx, provider, issuers)

    return (
        Sweep("orders.lapse", 5, overdue, lapsing),
        Sweep("orders.reconcile", 30, silent, reconciling),
    )
