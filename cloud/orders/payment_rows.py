"""Payments and the provider's messages about them, in PostgreSQL."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx

ASKED: Final[LiteralString] = """
    WITH kept AS (
        INSERT INTO payment (intent, order_id, created_at, checked_at) VALUES ($2, $1, $4, $4)
        ON CONFLICT (tenant_id, intent) DO UPDATE SET checked_at = excluded.checked_at)
    UPDATE purchase SET intent = $2, attempt = $3
     WHERE tenant_id = current_tenant() AND order_id = $1
"""


async def asked(tx: TenantTx, order_id: UUID, intent: str, attempt: int) -> None:
    """Keep that the provider made a payment for an order."""
    await tx.conn.execute(ASKED, order_id, intent, attempt, tx.now)


KNOW: Final[LiteralString] = """
    INSERT INTO payment (intent, order_id, created_at, checked_at) VALUES ($1, $2, $3, $3)
    ON CONFLICT DO NOTHING
"""
RECEIVED: Final[LiteralString] = """
    UPDATE payment SET state = 'received', received = $2, checked_at = $3
     WHERE tenant_id = current_tenant() AND intent = $1 AND state <> 'received'
    RETURNING true
"""


async def received(tx: TenantTx, order_id: UUID, intent: str, amount: int) -> bool:
    """Keep that money came; False: that was known before, and has been acted upon."""
    await tx.conn.execute(KNOW, intent, order_id, tx.now)
    return bool(await tx.conn.fetchval(RECEIVED, intent, amount, tx.now))


ENDED: Final[LiteralString] = """
    UPDATE payment SET state = $2, checked_at = $3
     WHERE tenant_id = current_tenant() AND intent = $1 AND state NOT IN ('received', 'canceled')
"""
CHECKED: Final[LiteralString] = """
    UPDATE payment SET checked_at = $2 WHERE tenant_id = current_tenant() AND intent = $1
"""


async def failed(tx: TenantTx, intent: str) -> None:
    """Keep that an attempt to pay failed; the buyer may try again."""
    await tx.conn.execute(ENDED, intent, "failed", tx.now)


async def canceled(tx: TenantTx, intent: str) -> None:
    """Keep that nobody can pay it any more."""
    await tx.conn.execute(ENDED, intent, "canceled", tx.now)


async def checked(tx: TenantTx, intent: str) -> None:
    """Keep that the provider was asked, and had nothing new."""
    await tx.conn.execute(CHECKED, intent, tx.now)


UNSETTLED: Final[LiteralString] = """
    SELECT y.intent, y.order_id FROM purchase p
      JOIN payment y USING (tenant_id, order_id)
     WHERE p.tenant_id = current_tenant() AND y.state IN ('asked', 'failed')
       AND y.checked_at < $1
     ORDER BY y.checked_at LIMIT $2 FOR UPDATE OF p SKIP LOCKED
"""


class Unsettled(NamedTuple):
    """A payment of which the end is not known."""

    intent: str
    order_id: UUID


async def unsettled(tx: TenantTx, before: datetime, limit: int) -> list[Unsettled]:
    """Return payments not heard of since a time, with their orders locked."""
    rows = await tx.conn.fetch(UNSETTLED, before, limit)
    return [Unsettled(row["intent"], row["order_id"]) for row in rows]


STORE: Final[LiteralString] = """
    INSERT INTO payment_event (provider_event, type, order_id, received_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
OUTCOME: Final[LiteralString] = """
    UPDATE payment_event SET outcome = $2
     WHERE tenant_id = current_tenant() AND provider_event = $1
"""


async def store(tx: TenantTx, event: str, type_: str, order_id: UUID | None) -> bool:
    """Keep a message of the provider; False: it came before."""
    done = await tx.conn.execute(STORE, event, type_, order_id, tx.now)
    return done == "INSERT 0 1"


async def note(tx: TenantTx, event: str, outcome: str) -> None:
    """Keep what was done about a message."""
    await tx.conn.execute(OUTCOME, event, outcome)
