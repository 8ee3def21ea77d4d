"""Finding an order for whoever asks, and showing it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http import paging
from cloud.http.access import Caller
from cloud.http.paging import Page
from cloud.orders import refund_rows, repository, shapes
from cloud.orders.repository import Filter, Order
from cloud.orders.shapes import OrderOut


class Place(NamedTuple):
    """Of an order in a list."""

    created_at: datetime
    order_id: UUID


def may(caller: Caller, order: Order | None, scope: str) -> Order:
    """Return the order if it is the caller's own, or if the caller has `scope`."""
    own = order is not None and caller.account == order.account_id
    if order is None or not (own or caller.has(scope)):
        raise Refusal("not_found")
    return order


async def locked(tx: TenantTx, order_id: UUID) -> Order:
    """Return an order that nobody else may change meanwhile."""
    order = await repository.lock(tx, order_id)
    if order is None:
        raise Refusal("not_found")
    return order


async def own(tx: TenantTx, caller: Caller, order_id: UUID) -> Order:
    """Return the caller's own order, locked."""
    account = caller.own()
    order = await locked(tx, order_id)
    if order.account_id != account:
        raise Refusal("not_found")
    return order


async def show(tx: TenantTx, order_id: UUID) -> OrderOut:
    """Return an order as it now is."""
    order = await repository.read(tx, order_id)
    if order is None:
        raise Refusal("not_found")
    return (await _with_parts(tx, [order]))[0]


async def page(tx: TenantTx, of: Filter, before: Place | None, limit: int) -> Page[OrderOut]:
    """Return a page of orders."""
    found = await repository.listed(tx, of, before, limit + 1)
    shown = await _with_parts(tx, found)
    return paging.page(shown, limit, lambda order: Place(order.created_at, order.order_id))


async def _with_parts(tx: TenantTx, orders: list[Order]) -> list[OrderOut]:
    ids = [order.order_id for order in orders]
    items = await repository.items(tx, ids)
    refunds = await refund_rows.of_orders(tx, ids)
    return [shapes.show(order, items[order.order_id], refunds[order.order_id]) for order in orders]
