"""Messages out of the outbox, each handled once in effect.

A message is marked done in the transaction of its handler's effect, so the two are kept or
lost together. Messages of one key are handled in order: a later one waits until the earlier
one is done or dead. A handler that fails is tried again, later each time, and after
`MAX_ATTEMPTS` its message is dead: kept, listed, and a person's to decide. `Away` kills none.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import structlog

from cloud.db.connect import Connection, Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx

LOG = structlog.get_logger("usher.outbox")
MAX_ATTEMPTS: Final = 12
FIRST_WAIT: Final = 2.0  # seconds; doubles up to MAX_WAIT
MAX_WAIT: Final = 3600.0
MOST: Final = 100  # messages of one tenant before the others have their turn

TENANTS: Final[LiteralString] = "SELECT tenants_with_messages() AS tenant_id"
# The oldest message of each key that is due, if nobody else has it.
NEXT: Final[LiteralString] = """
    SELECT message_id, topic, key, payload, request_id, attempts FROM outbox o
     WHERE tenant_id = current_tenant() AND done_at IS NULL AND dead_at IS NULL AND due_at <= $1
       AND NOT EXISTS (
           SELECT FROM outbox e WHERE e.tenant_id = o.tenant_id AND e.key = o.key
              AND e.message_id < o.message_id AND e.done_at IS NULL AND e.dead_at IS NULL)
     ORDER BY message_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
DONE: Final[LiteralString] = """
    UPDATE outbox SET done_at = clock_timestamp(), attempts = attempts + 1
     WHERE tenant_id = current_tenant() AND message_id = $1
"""
FAILED: Final[LiteralString] = """
    UPDATE outbox SET attempts = attempts + 1, due_at = $2, fault = $3,
           dead_at = CASE WHEN attempts + 1 >= $4::int THEN clock_timestamp() END
     WHERE tenant_id = current_tenant() AND message_id = $1 AND done_at IS NULL
"""
FORGET: Final[LiteralString] = """
    DELETE FROM outbox
     WHERE tenant_id = current_tenant() AND done_at < $1::timestamptz - interval '30 days'
"""


class Away(Exception):
    """Somebody outside gives no answer: the message is tried again, however long that lasts."""


class Message(NamedTuple):
    """A message. `attempt` counts from 1."""

    id: int
    topic: str
    key: str
    payload: Mapping[str, Any]
    attempt: int


Handler = Callable[[TenantTx, Message], Awaitable[None]]
Handlers = Mapping[str, Handler]  # by topic; a topic without a handler has nobody to tell


async def waiting(conn: Connection) -> list[UUID]:
    """Return the tenants with messages that are due."""
    return [row["tenant_id"] for row in await conn.fetch(TENANTS)]


async def dispatch(
    pool: Pool, tenant: UUID, handlers: Handlers, now: datetime, most: int = MOST
) -> int:
    """Handle a tenant's messages until none is due, or `most`; return how many there were."""
    handled = 0
    while handled < most and await _one(pool, tenant, handlers, now):
        handled += 1
    return handled


async def forget(tx: TenantTx) -> None:
    """Drop the messages that were done a month ago."""
    await tx.conn.execute(FORGET, tx.now)


async def _one(pool: Pool, tenant: UUID, handlers: Handlers, now: datetime) -> bool:
    """Handle one message; return whether there was one."""
    row = None
    try:
        async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
            row = await tx.conn.fetchrow(NEXT, now)
            if row is None:
                return False
            tx.origin = tx.origin._replace(request_id=row["request_id"])
            message = Message(
                row["message_id"], row["topic"], row["key"], row["payload"], row["attempts"] + 1
            )
            if (handler := handlers.get(message.topic)) is not None:
                await handler(tx, message)
            await tx.conn.execute(DONE, message.id)
    except Exception as error:
        if row is None:
            raise
        await _failed(pool, tenant, row["message_id"], row["attempts"], error, now)
    return True


async def _failed(
    pool: Pool, tenant: UUID, message_id: int, attempts: int, error: Exception, now: datetime
) -> None:
    wait = min(MAX_WAIT, FIRST_WAIT * 2 ** min(attempts, MAX_ATTEMPTS))
    most = None if isinstance(error, Away) else MAX_ATTEMPTS
    fault = getattr(error, "code", type(error).__name__)
    LOG.warning("message_failed", tenant=str(tenant), message=message_id, fault=fault)
    async with tenant_tx(pool, tenant, WORKER, now, suspended_too=True) as tx:
        due = now + timedelta(seconds=wait)
        await tx.conn.execute(FAILED, message_id, due, fault, most)
