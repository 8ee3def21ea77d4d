"""What orders look like over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.orders.model import Item, State
from cloud.orders.refund_rows import Refund
from cloud.orders.repository import Order

Seat = Annotated[str, Meta(min_length=1, max_length=80)]
CLASS = Meta(ge=0, le=65535, description="Index of the ticket class in its event.")


class WantedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tickets of one class: so many of them, or these seats."""

    class_index: Annotated[int, CLASS]
    quantity: Annotated[int, Meta(ge=1, le=100)] | None = None
    seats: Annotated[list[Seat], Meta(min_length=1, max_length=100)] | None = None


class NewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to hold. Each class stands in it once."""

    event_id: UUID
    items: Annotated[
        list[WantedItem],
        Meta(min_length=1, max_length=20, examples=[[{"class_index": 0, "quantity": 2}]]),
    ]


class NewRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to give back: these tickets, or, without any named, all that are left."""

    reason: Annotated[str, Meta(min_length=1, max_length=200, examples=["Bought by mistake."])]
    tickets: Annotated[list[UUID], Meta(min_length=1, max_length=2000)] | None = None


class ItemOut(msgspec.Struct, frozen=True):
    """One ticket of an order."""

    class_index: int
    ticket_id: UUID
    seat: str | None
    price: int
    refunded: bool


class RefundOut(msgspec.Struct, frozen=True):
    """Money that goes back, for tickets, or (`of_tickets` false) for a payment that bought none."""

    refund_id: UUID
    amount: int
    currency: str
    of_tickets: bool
    reason: str
    state: str
    created_at: datetime
    ended_at: datetime | None


class OrderOut(msgspec.Struct, frozen=True):
    """An order. `total` is what the buyer pays, in minor units of `currency`."""

    order_id: UUID
    event_id: UUID
    account_id: UUID
    state: State
    currency: str
    total: int
    refunded: int
    hold_until: datetime
    created_at: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    items: list[ItemOut]
    refunds: list[RefundOut]


class PaymentOut(msgspec.Struct, frozen=True):
    """How to pay: complete the payment with `client_secret`. Null: there is nothing to pay."""

    order: OrderOut
    client_secret: str | None

    def __repr__(self) -> str:
        return f"PaymentOut({self.order.order_id})"


def show(order: Order, items: Sequence[Item], refunds: Sequence[Refund]) -> OrderOut:
    """Return an order as it is shown to its buyer and to the organizer."""
    own = {name: getattr(order, name) for name in Order._fields if name in SHOWN}
    return OrderOut(
        **own,
        items=[
            ItemOut(each.class_index, each.ticket_id, each.seat, each.price, each.refunded)
            for each in items
        ],
        refunds=[
            RefundOut(*(getattr(each, name) for name in RefundOut.__struct_fields__))
            for each in refunds
        ],
    )


SHOWN = frozenset(OrderOut.__struct_fields__) - {"items", "refunds"}
