"""Messages that were given up: listed, and handled again or dropped by a person."""

from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple

from cloud.db.tenancy import TenantTx
from cloud.topics import shown


class Dead(NamedTuple):
    """A message that one consumer was not able to handle."""

    message_id: int
    consumer: str
    topic: str
    key: str
    fault: str
    attempts: int
    at: datetime  # when it was published
    dead_at: datetime


class Content(NamedTuple):
    """A message that was given up, with what it says."""

    dead: Dead
    version: int
    request_id: str
    payload: dict[str, Any]


LIST: Final[LiteralString] = """
    SELECT message_id, consumer, topic, key, fault, attempts, at, dead_at FROM inbox
     WHERE tenant_id = current_tenant() AND dead_at IS NOT NULL AND done_at IS NULL
       AND (message_id, consumer) > ($1, $2)
     ORDER BY message_id, consumer LIMIT $3
"""
SHOW: Final[LiteralString] = """
    SELECT message_id, consumer, topic, key, fault, attempts, at, dead_at, version, request_id,
           payload FROM inbox
     WHERE tenant_id = current_tenant() AND message_id = $1 AND consumer = $2
       AND dead_at IS NOT NULL AND done_at IS NULL
"""
REPLAY: Final[LiteralString] = """
    UPDATE inbox SET attempts = 0, due_at = $3, dead_at = NULL, fault = ''
     WHERE tenant_id = current_tenant() AND message_id = $1 AND consumer = $2
       AND dead_at IS NOT NULL AND done_at IS NULL
    RETURNING topic
"""
DROP: Final[LiteralString] = """
    UPDATE inbox SET done_at = $3, fault = 'dropped', payload = NULL
     WHERE tenant_id = current_tenant() AND message_id = $1 AND consumer = $2
       AND dead_at IS NOT NULL AND done_at IS NULL
    RETURNING topic
"""
WAKE: Final[LiteralString] = "SELECT pg_notify('usher_inbox', '')"
LOWEST: Final = -(2**63)


async def dead(tx: TenantTx, after: tuple[int, str] | None, most: int) -> list[Dead]:
    """Return messages that were given up, oldest first."""
    number, consumer = after or (LOWEST, "")
    return [Dead(**row) for row in await tx.conn.fetch(LIST, number, consumer, most)]


async def show(tx: TenantTx, message_id: int, consumer: str) -> Content | None:
    """Return a dead message whole, as far as a person may see it; who looked is written down."""
    row = await tx.conn.fetchrow(SHOW, message_id, consumer)
    if row is None:
        return None
    found, version = Dead(*(row[name] for name in Dead._fields)), row["version"]
    await tx.audit("message.shown", f"message:{message_id}", topic=found.topic, consumer=consumer)
    payload = shown(found.topic, version, row["payload"] or {})
    return Content(found, version, row["request_id"], payload)


async def replay(tx: TenantTx, message_id: int, consumer: str) -> bool:
    """Have a message handled again; whether it was dead."""
    return await _settle(tx, REPLAY, "replayed", message_id, consumer)


async def drop(tx: TenantTx, message_id: int, consumer: str) -> bool:
    """Let a message be; whether it was dead."""
    return await _settle(tx, DROP, "dropped", message_id, consumer)


async def _settle(
    tx: TenantTx, sql: LiteralString, what: str, message_id: int, consumer: str
) -> bool:
    topic: str | None = await tx.conn.fetchval(sql, message_id, consumer, tx.now)
    if topic is None:
        return False
    about = f"message:{message_id}"
    await tx.audit(f"message.{what}", about, topic=topic, consumer=consumer)
    await tx.conn.execute(WAKE)
    return True
