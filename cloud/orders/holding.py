"""A hold begins and ends: tickets are set aside for a buyer, and let go again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.orders import repository, ticket_rows
from cloud.orders.model import Act, Unsellable, Wanted, advance, priced
from cloud.orders.repository import Held, NewHold, Order
from cloud.spans import joining, traceparent


class Limits(NamedTuple):
    """How long a hold lasts, and how many an account may have open for one event."""

    seconds: int
    per_account: int


async def place(
    tx: TenantTx,
    account: UUID,
    event_id: UUID,
    wanted: Sequence[Wanted],
    limits: Limits,
    *,
    insider: bool = False,
) -> UUID:
    """Hold all that is wanted, or refuse; return the order's id."""
    offer = await repository.offer(tx, event_id, [item.class_index for item in wanted])
    if offer is None or (offer.state == "draft" and not insider):
        raise Refusal("not_found")
    items = priced(offer, wanted, tx.now)
    if isinstance(items, Unsellable):
        raise _unsellable(items)
    until = tx.now + timedelta(seconds=limits.seconds)
    order_id = uuid4()
    new = NewHold(
        order_id, event_id, account, offer.currency, until, tx.now, limits.per_account,
        traceparent(), items,
    )  # fmt: skip
    held = await repository.hold(tx, new)
    if held.outcome != "held":
        raise _refused(held, wanted, limits)
    return order_id


async def end(tx: TenantTx, order: Order, act: Act) -> None:
    """Let the tickets of an open order go, which is locked and which nobody can pay now."""
    with joining("order end", order.trace):
        await _end(tx, order, act)


async def _end(tx: TenantTx, order: Order, act: Act) -> None:
    await ticket_rows.release(tx, order.event_id, order.order_id, act.value)
    await repository.set_state(tx, order.order_id, advance(order.state, act))
    subject = f"order:{order.order_id}"
    state = advance(order.state, act).value
    await tx.audit(f"order.{state}", subject)
    await tx.publish(
        f"order.{state}", subject, order_id=order.order_id, event_id=order.event_id,
        account_id=order.account_id,
    )  # fmt: skip


def _unsellable(why: Unsellable) -> Refusal:
    if why.code == "event_not_on_sale":
        return Refusal(why.code)
    field = f"/items/{why.item}"
    if why.code == "per_order_limit":
        return Refusal(why.code, field=field, accepted=f"at most {why.limit}", limit=why.limit)
    return Refusal(why.code, field=field)


def _refused(held: Held, wanted: Sequence[Wanted], limits: Limits) -> Refusal:
    if held.outcome == "hold_limit":
        return Refusal("hold_limit", accepted=f"at most {limits.per_account} at a time")
    place = [item.class_index for item in wanted].index(held.at_class or 0)
    field = f"/items/{place}"
    if held.outcome == "seats_taken":
        return Refusal("seats_taken", field=field, seats=held.taken)
    return Refusal("sold_out", field=field, left=held.remaining)
