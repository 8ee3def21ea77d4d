"""Orders over HTTP: hold, pay, look, give up, give back."""

from typing import Annotated, Final
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http import paging
from cloud.http.access import Caller, fan, needs
from cloud.http.paging import Cursor, Limit, Page
from cloud.keys.issuers import Issuers
from cloud.orders import holding, paying, reading, refunding, repository
from cloud.orders.holding import Limits
from cloud.orders.model import State, Wanted
from cloud.orders.repository import Filter
from cloud.orders.shapes import NewOrder, NewRefund, OrderOut, PaymentOut, WantedItem
from cloud.orders.till import Till

ORDERS: Final = "/v1/tenants/{tenant_id:uuid}/orders"
ORDER: Final = ORDERS + "/{order_id:uuid}"
OfEvent = Annotated[UUID | None, QueryParameter(description="Of one event alone.")]
OfState = Annotated[State | None, QueryParameter(description="In one state alone.")]
OfAccount = Annotated[
    UUID | None, QueryParameter(description="Of one buyer alone; for who may read all orders.")
]


@post(ORDERS, opt=fan(), tags=["orders"], operation_id="placeOrder", summary="Hold tickets")
async def place(
    data: JSONBody[NewOrder],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    hold_limits: NamedDependency[Limits],
    issuers: NamedDependency[Issuers],
) -> OrderOut:
    """Hold tickets for a while: all that are asked for, or none. What is free is bought at once.

    Refused with `sold_out` (and how many are left), `seats_taken` (and which), `sale_closed`,
    `per_order_limit`, `event_not_on_sale`, `hold_limit`.
    """
    account, wanted = caller.own(), _wanted(data.items)
    order_id = await holding.place(
        tx, account, data.event_id, wanted, hold_limits, insider=caller.has("events:read")
    )
    order = await reading.locked(tx, order_id)
    if order.total == 0 and order.event_state != "published":
        raise Refusal("event_not_on_sale")
    if order.total == 0:
        await paying.take_free(tx, issuers, order)
    return await reading.show(tx, order_id)


@get(ORDERS, opt=fan(), tags=["orders"], operation_id="listOrders", summary="List orders")
async def list_orders(
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    event_id: OfEvent = None,
    order_state: OfState = None,
    account_id: OfAccount = None,
    limit: Limit = paging.DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[OrderOut]:
    """Return one's own orders, the newest first; all of them to who may read orders."""
    account = account_id if caller.has("orders:read") else caller.own()
    before = paging.decode(cursor, reading.Place)
    of = Filter(account, event_id, order_state)
    return await reading.page(tx, of, before, limit)


@get(ORDER, opt=fan(), tags=["orders"], operation_id="readOrder", summary="Read an order")
async def read(
    order_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> OrderOut:
    """Return an order, with its tickets and refunds."""
    order = await repository.read(tx, order_id)
    reading.may(caller, order, "orders:read")
    return await reading.show(tx, order_id)


@post(
    f"{ORDER}/payment",
    opt=fan(),
    status_code=200,
    tags=["orders"],
    operation_id="payOrder",
    summary="Pay an order",
)
async def pay(
    order_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    till: NamedDependency[Till],
    issuers: NamedDependency[Issuers],
) -> PaymentOut:
    """Begin the payment, or return the one that was begun. The buyer's browser completes it with
    `client_secret`, at the provider: by Stripe's own script, or at the stand-in's
    `/checkout/{client_secret}`, whose address `usher-cloud serve` prints. The order is `paid`
    once the provider has told us.

    Refused with `hold_over`, and, while too many pay at once or the provider is away, with
    `payments_busy` and `payments_away`.
    """
    order = await reading.own(tx, caller, order_id)
    secret = await paying.pay(tx, till, issuers, order)
    return PaymentOut(await reading.show(tx, order_id), secret)


@delete(
    ORDER,
    opt=fan(),
    status_code=200,
    tags=["orders"],
    operation_id="cancelOrder",
    summary="Give a hold up",
)
async def cancel(
    order_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    till: NamedDependency[Till],
    issuers: NamedDependency[Issuers],
) -> OrderOut:
    """Let the tickets go that an order holds. If its payment was faster, the order is paid."""
    order = await reading.own(tx, caller, order_id)
    await paying.give_up(tx, till, issuers, order)
    return await reading.show(tx, order_id)


@post(
    f"{ORDER}/refunds",
    opt=needs("orders:refund"),
    tags=["orders"],
    operation_id="refundOrder",
    summary="Give tickets back",
)
async def refund(
    order_id: FromPath[UUID], data: JSONBody[NewRefund], tx: NamedDependency[TenantTx]
) -> OrderOut:
    """Refund tickets of a paid order, or all that are left. Their codes are void at once."""
    order = await reading.locked(tx, order_id)
    await refunding.give_back(tx, order, data.tickets, data.reason)
    return await reading.show(tx, order_id)


@post(
    f"{ORDER}/refunds/retry",
    opt=needs("orders:refund"),
    tags=["orders"],
    operation_id="retryRefunds",
    summary="Try failed refunds again",
)
async def retry_refunds(order_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> OrderOut:
    """Ask the payment provider anew for each refund that it refused, or that bounced."""
    await refunding.again(tx, await reading.locked(tx, order_id))
    return await reading.show(tx, order_id)


def _wanted(items: list[WantedItem]) -> list[Wanted]:
    wanted = [_one(item, place) for place, item in enumerate(items)]
    if len({item.class_index for item in wanted}) < len(wanted):
        raise Refusal("invalid_request", field="/items", accepted="each class once")
    return wanted


def _one(item: WantedItem, place: int) -> Wanted:
    field = f"/items/{place}"
    if (item.quantity is None) is (item.seats is None):
        raise Refusal("invalid_request", field=field, accepted="either quantity or seats")
    if item.seats is None:
        return Wanted(item.class_index, item.quantity or 0)
    if len(set(item.seats)) < len(item.seats):
        raise Refusal("invalid_request", field=f"{field}/seats", accepted="each seat once")
    return Wanted(item.class_index, len(item.seats), tuple(item.seats))


ROUTES = (place, list_orders, read, pay, cancel, refund, retry_refunds)
