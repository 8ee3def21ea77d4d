"""Tickets in PostgreSQL, with what is printed around their codes."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.tickets.lifecycle import State
from cloud.tickets.model_printed import Printable

ONE: Final[LiteralString] = """
    SELECT t.ticket_id, t.number, t.state, t.token, t.seat, t.attendee, t.account_id, p.order_id,
           c.name AS class_name, e.name AS event_name, e.timezone, e.starts_at, e.doors_at,
           e.currency, v.name AS venue_name, v.address, i.price
      FROM ticket t
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN event e USING (tenant_id, event_id)
      JOIN venue v USING (tenant_id, venue_id)
      LEFT JOIN purchase p ON p.tenant_id = t.tenant_id AND p.order_id = t.order_id
                          AND p.account_id = t.account_id
      LEFT JOIN purchase_item i ON i.tenant_id = p.tenant_id AND i.order_id = p.order_id
                               AND i.ticket_id = t.ticket_id
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = $2
"""
OF_ORDER: Final[LiteralString] = """
    SELECT t.ticket_id, t.number, t.state, t.token, t.seat, t.attendee, t.account_id, p.order_id,
           c.name AS class_name, e.name AS event_name, e.timezone, e.starts_at, e.doors_at,
           e.currency, v.name AS venue_name, v.address, i.price
      FROM ticket t
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN event e USING (tenant_id, event_id)
      JOIN venue v USING (tenant_id, venue_id)
      LEFT JOIN purchase p ON p.tenant_id = t.tenant_id AND p.order_id = t.order_id
                          AND p.account_id = t.account_id
      LEFT JOIN purchase_item i ON i.tenant_id = p.tenant_id AND i.order_id = p.order_id
                               AND i.ticket_id = t.ticket_id
     WHERE t.tenant_id = current_tenant() AND t.order_id = $1
     ORDER BY t.number
"""

# Of a list's guest, who has no account: by its numbers, as long as they are that address's.
OF_GUEST: Final[LiteralString] = """
    SELECT t.ticket_id, t.number, t.state, t.token, t.seat, t.attendee, t.account_id, t.order_id,
           c.name AS class_name, e.name AS event_name, e.timezone, e.starts_at, e.doors_at,
           e.currency, v.name AS venue_name, v.address, NULL::bigint AS price
      FROM ticket t
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN event e USING (tenant_id, event_id)
      JOIN venue v USING (tenant_id, venue_id)
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.number = ANY ($2::int[])
       AND t.account_id IS NULL AND lower(t.email) = lower($3)
     ORDER BY t.number
"""


async def printable(tx: TenantTx, event_id: UUID, ticket_id: UUID) -> Printable | None:
    """Return a ticket with what is printed around its code."""
    row = await tx.conn.fetchrow(ONE, event_id, ticket_id)
    return None if row is None else _printable(row)


async def of_order(tx: TenantTx, order_id: UUID) -> list[Printable]:
    """Return an order's tickets, whoever owns them by now."""
    return [_printable(row) for row in await tx.conn.fetch(OF_ORDER, order_id)]


async def of_guest(
    tx: TenantTx, event_id: UUID, numbers: Sequence[int], email: str
) -> list[Printable]:
    """Return those of an event's tickets that were issued to an address."""
    rows = await tx.conn.fetch(OF_GUEST, event_id, list(numbers), email)
    return [_printable(row) for row in rows]


def _printable(row: Row) -> Printable:
    found = {name: row[name] for name in Printable._fields}
    return Printable(**found)._replace(state=State(row["state"]))
