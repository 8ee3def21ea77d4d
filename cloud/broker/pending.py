"""What the outbox holds for the broker. Row-level security adds the tenant to every query."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString

from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Message
from cloud.pacing import doubling

FIRST_WAIT: Final = 1.0  # seconds; doubles up to MAX_WAIT
MAX_WAIT: Final = 60.0

# The oldest that are due, but for those behind one of their key that is not due yet. Those that
# are not due are few and are looked up once: asked of each message, they would cost the most.
OLDEST: Final[LiteralString] = """
    WITH held AS MATERIALIZED (
        SELECT key, min(message_id) AS first FROM outbox
         WHERE tenant_id = current_tenant() AND done_at IS NULL AND dead_at IS NULL AND due_at > $1
         GROUP BY key
    )
    SELECT message_id, topic, version, key, payload, created_at, request_id, trace, attempts
      FROM outbox o
     WHERE tenant_id = current_tenant() AND done_at IS NULL AND dead_at IS NULL AND due_at <= $1
       AND NOT EXISTS (SELECT FROM held h WHERE h.key = o.key AND h.first < o.message_id)
     ORDER BY message_id LIMIT $2
"""
RELAYED: Final[LiteralString] = """
    UPDATE outbox SET done_at = clock_timestamp(), attempts = attempts + 1, fault = ''
     WHERE tenant_id = current_tenant() AND message_id = ANY($1) AND done_at IS NULL
"""
# None is given up: that nobody takes it is the broker's fault, and not the message's.
HELD_UP: Final[LiteralString] = """
    UPDATE outbox SET attempts = attempts + 1, due_at = $2, fault = $3
     WHERE tenant_id = current_tenant() AND message_id = $1 AND done_at IS NULL
"""


async def oldest(tx: TenantTx, most: int) -> list[Message]:
    """Return up to `most` messages to relay, in their order."""
    return [
        Message(
            id=row["message_id"], topic=row["topic"], version=row["version"],
            key=row["key"], payload=row["payload"], at=row["created_at"],
            request_id=row["request_id"], trace=row["trace"], attempt=row["attempts"] + 1,
        )
        for row in await tx.conn.fetch(OLDEST, tx.now, most)
    ]  # fmt: skip


async def settle(
    tx: TenantTx, relayed: Sequence[int], faults: Sequence[tuple[Message, str]]
) -> None:
    """Write down which the broker has, and what is wrong with the others."""
    if relayed:
        await tx.conn.execute(RELAYED, relayed)
    if faults:
        await tx.conn.executemany(
            HELD_UP,
            [(each.id, due_after(tx.now, each.attempt), fault) for each, fault in faults],
        )


def due_after(now: datetime, attempt: int) -> datetime:
    """Return when to try again after `attempt` times in vain."""
    return now + timedelta(seconds=doubling(FIRST_WAIT, MAX_WAIT, attempt))
