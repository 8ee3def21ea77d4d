"""Orders in PostgreSQL. Row-level security adds the tenant to every query."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.orders.model import Item, Offer, Priced, State, Terms

OFFER: Final[LiteralString] = """
    SELECT e.state, e.currency, e.ends_at, t.fee_bps,
           coalesce((SELECT (f ->> 'amount')::integer FROM jsonb_array_elements(t.fees_fixed) f
                      WHERE f ->> 'currency' = e.currency), 0) AS fee_fixed, c.class_index, c.price,
           c.per_order, c.sale_from, c.sale_until, c.withdrawn_at IS NOT NULL AS withdrawn
      FROM event e JOIN tenant t USING (tenant_id)
      LEFT JOIN ticket_class c ON c.tenant_id = current_tenant() AND c.event_id = e.event_id
                              AND c.class_index = ANY ($2)
     WHERE e.tenant_id = current_tenant() AND e.event_id = $1
"""


async def offer(tx: TenantTx, event_id: UUID, classes: Sequence[int]) -> Offer | None:
    """Return an event, with those of its classes that are asked for."""
    rows = await tx.conn.fetch(OFFER, event_id, list(classes))
    if not rows:
        return None
    first = rows[0]
    terms = {
        row["class_index"]: Terms(*(row[name] for name in Terms._fields))
        for row in rows
        if row["class_index"] is not None
    }
    event = {name: first[name] for name in Offer._fields[:-1]}
    return Offer(**event, classes=terms)


HOLD: Final[LiteralString] = """
    SELECT outcome, at_class, remaining, taken FROM hold($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


class Held(NamedTuple):
    """How a hold went: "held", "sold_out", "seats_taken", "hold_limit"."""

    outcome: str
    at_class: int | None
    remaining: int | None
    taken: list[str] | None


class NewHold(NamedTuple):
    """What is to be held."""

    order_id: UUID
    event_id: UUID
    account: UUID
    currency: str
    until: datetime
    at: datetime
    most: int  # holds that an account may have open for an event
    trace: str  # "", or a W3C traceparent
    items: Sequence[Priced]


async def hold(tx: TenantTx, new: NewHold) -> Held:
    """Hold all of the tickets. Any outcome but "held" must be rolled back."""
    row = await tx.conn.fetchrow(HOLD, *new[:-1], [item._asdict() for item in new.items])
    if row is None:  # a function with OUT parameters always returns one
        raise RuntimeError("hold() returned nothing")
    return Held(*(row[name] for name in Held._fields))


class Order(NamedTuple):
    """An order's row, with the state of its event."""

    order_id: UUID
    event_id: UUID
    account_id: UUID
    state: State
    currency: str
    total: int
    fee: int
    refunded: int
    hold_until: datetime
    attempt: int
    intent: str | None
    trace: str  # "", or a W3C traceparent
    created_at: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    event_state: str


READ: Final[LiteralString] = """
    SELECT p.*, e.state AS event_state FROM purchase p JOIN event e USING (tenant_id, event_id)
     WHERE p.tenant_id = current_tenant() AND p.order_id = $1
"""
LOCK: Final[LiteralString] = """
    SELECT p.*, e.state AS event_state FROM purchase p JOIN event e USING (tenant_id, event_id)
     WHERE p.tenant_id = current_tenant() AND p.order_id = $1
       FOR UPDATE OF p FOR SHARE OF e -- nobody cancels the event while an order is bought
"""


async def read(tx: TenantTx, order_id: UUID) -> Order | None:
    """Return an order."""
    row = await tx.conn.fetchrow(READ, order_id)
    return order(row) if row else None


async def lock(tx: TenantTx, order_id: UUID) -> Order | None:
    """Return an order that nobody else may change until this transaction ends."""
    row = await tx.conn.fetchrow(LOCK, order_id)
    return order(row) if row else None


def order(row: Row) -> Order:
    """Return a row as an order."""
    values = {name: row[name] for name in Order._fields}
    return Order(**values | {"state": State(values["state"])})


ITEMS: Final[LiteralString] = """
    SELECT i.order_id, i.line, i.class_index, i.ticket_id, t.seat, i.price, i.fee, i.refunded
      FROM purchase_item i JOIN ticket t
        ON t.tenant_id = current_tenant() AND (t.event_id, t.ticket_id) = (i.event_id, i.ticket_id)
     WHERE i.tenant_id = current_tenant() AND i.order_id = ANY ($1)
     ORDER BY i.order_id, i.line
"""


async def items(tx: TenantTx, orders: Sequence[UUID]) -> dict[UUID, list[Item]]:
    """Return the tickets of some orders."""
    found: dict[UUID, list[Item]] = {order_id: [] for order_id in orders}
    for row in await tx.conn.fetch(ITEMS, list(orders)):
        found[row["order_id"]].append(Item(*(row[name] for name in Item._fields)))
    return found


async def items_of(tx: TenantTx, order_id: UUID) -> list[Item]:
    """Return the tickets of one order."""
    return (await items(tx, [order_id]))[order_id]


SET: Final[LiteralString] = """
    UPDATE purchase SET state = $2,
           paid_at = CASE WHEN $2 = 'paid' THEN coalesce(paid_at, $3) ELSE paid_at END,
           closed_at = CASE WHEN $2 IN ('lapsed', 'cancelled', 'refunded') THEN $3 END
     WHERE tenant_id = current_tenant() AND order_id = $1
"""


async def set_state(tx: TenantTx, order_id: UUID, state: State) -> None:
    """Store the state that `advance` has given."""
    await tx.conn.execute(SET, order_id, state.value, tx.now)


LIST: Final[LiteralString] = """
    SELECT p.*, e.state AS event_state FROM purchase p JOIN event e USING (tenant_id, event_id)
     WHERE p.tenant_id = current_tenant()
       AND ($1::uuid IS NULL OR p.account_id = $1) AND ($2::uuid IS NULL OR p.event_id = $2)
       AND ($3::text IS NULL OR p.state = $3)
       AND ($4::timestamptz IS NULL OR (p.created_at, p.order_id) < ($4, $5))
     ORDER BY p.created_at DESC, p.order_id DESC LIMIT $6
"""


class Filter(NamedTuple):
    """Which orders are listed; None: all."""

    account: UUID | None = None
    event_id: UUID | None = None
    state: State | None = None


async def listed(
    tx: TenantTx, of: Filter, before: tuple[datetime, UUID] | None, limit: int
) -> list[Order]:
    """Return orders, the newest first."""
    rows = await tx.conn.fetch(LIST, *of, *(before or (None, None)), limit)
    return [order(row) for row in rows]
