"""Refunds in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx

MAKE: Final[LiteralString] = """
    INSERT INTO refund (order_id, intent, of_tickets, currency, amount, fee, reason, created_at,
                        checked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING refund_id
"""


class NewRefund(NamedTuple):
    """Money that is to go back."""

    order_id: UUID
    intent: str
    of_tickets: bool  # False: of a payment that bought nothing
    currency: str
    amount: int
    fee: int  # of the amount, given back by the platform
    reason: str


async def make(tx: TenantTx, new: NewRefund) -> UUID:
    """Keep a new refund; return its id."""
    made: UUID = await tx.conn.fetchval(MAKE, *new, tx.now)
    return made


class Refund(NamedTuple):
    """A refund's row."""

    refund_id: UUID
    order_id: UUID
    intent: str
    of_tickets: bool
    currency: str
    amount: int
    reason: str
    state: str
    provider_refund: str | None
    fault: str
    attempt: int
    created_at: datetime
    ended_at: datetime | None

    @property
    def key(self) -> str:
        """What names this attempt: to the provider, that it is made once, and in the books."""
        return str(self.refund_id) if self.attempt == 1 else f"{self.refund_id}-{self.attempt}"


ORDER: Final[LiteralString] = """
    SELECT order_id FROM refund WHERE tenant_id = current_tenant() AND refund_id = $1
"""
READ: Final[LiteralString] = """
    SELECT * FROM refund WHERE tenant_id = current_tenant() AND refund_id = $1
"""


async def order_of(tx: TenantTx, refund_id: UUID) -> UUID | None:
    """Return the order that a refund belongs to: its row is what must be locked."""
    found: UUID | None = await tx.conn.fetchval(ORDER, refund_id)
    return found


async def read(tx: TenantTx, refund_id: UUID) -> Refund:
    """Return a refund, whose order is locked."""
    row = await tx.conn.fetchrow(READ, refund_id)
    if row is None:
        raise LookupError("no such refund")
    return _refund(row)


OF: Final[LiteralString] = """
    SELECT * FROM refund WHERE tenant_id = current_tenant() AND order_id = ANY ($1)
     ORDER BY created_at, refund_id
"""


async def of_orders(tx: TenantTx, orders: Sequence[UUID]) -> dict[UUID, list[Refund]]:
    """Return the refunds of some orders."""
    found: dict[UUID, list[Refund]] = {order_id: [] for order_id in orders}
    for row in await tx.conn.fetch(OF, list(orders)):
        found[row["order_id"]].append(_refund(row))
    return found


SET: Final[LiteralString] = """
    UPDATE refund SET state = $2::text, provider_refund = coalesce($3, provider_refund), fault = $4,
           checked_at = $5,
           ended_at = CASE WHEN $2 IN ('succeeded', 'failed') THEN $5::timestamptz END
     WHERE tenant_id = current_tenant() AND refund_id = $1
"""


async def set_state(
    tx: TenantTx, refund_id: UUID, state: str, provider_refund: str | None, fault: str = ""
) -> None:
    """Store how far a refund has come."""
    await tx.conn.execute(SET, refund_id, state, provider_refund, fault, tx.now)


AGAIN: Final[LiteralString] = """
    UPDATE refund SET state = 'requested', attempt = attempt + 1, provider_refund = NULL,
           fault = '', checked_at = $2, ended_at = NULL
     WHERE tenant_id = current_tenant() AND order_id = $1 AND state = 'failed' RETURNING refund_id
"""


async def again(tx: TenantTx, order_id: UUID) -> list[UUID]:
    """Begin another attempt at each refund of an order, which is locked, that failed."""
    return [row["refund_id"] for row in await tx.conn.fetch(AGAIN, order_id, tx.now)]


OWED: Final[LiteralString] = """
    SELECT count(*) FROM refund
     WHERE tenant_id = current_tenant() AND order_id = $1 AND of_tickets AND state <> 'succeeded'
"""


async def owed(tx: TenantTx, order_id: UUID) -> int:
    """Return how many refunds of an order's tickets have not been paid."""
    count: int = await tx.conn.fetchval(OWED, order_id)
    return count


SENT: Final[LiteralString] = """
    SELECT r.* FROM purchase p JOIN refund r USING (tenant_id, order_id)
     WHERE p.tenant_id = current_tenant() AND r.state = 'sent' AND r.checked_at < $1
     ORDER BY r.checked_at LIMIT $2 FOR UPDATE OF p SKIP LOCKED
"""


async def sent(tx: TenantTx, before: datetime, limit: int) -> list[Refund]:
    """Return refunds not heard of since a time, with their orders locked."""
    return [_refund(row) for row in await tx.conn.fetch(SENT, before, limit)]


def _refund(row: Row) -> Refund:
    return Refund(*(row[name] for name in Refund._fields))
