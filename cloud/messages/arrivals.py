"""The rows of `inbox`. Row-level security adds the tenant to every query."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Message

# Who relays beside us waits for our rows and finds them done: were they skipped, a later message
# could be put before a consumer ahead of an earlier one of its key.
RELAY: Final[LiteralString] = """
    WITH taken AS (
        SELECT * FROM outbox
         WHERE tenant_id = current_tenant() AND done_at IS NULL AND dead_at IS NULL
         ORDER BY message_id LIMIT $1 FOR UPDATE
    ), told AS (
        INSERT INTO inbox (consumer, message_id, topic, version, key, payload, at, request_id,
                           trace, due_at)
        SELECT s.consumer, t.message_id, t.topic, t.version, t.key, t.payload, t.created_at,
               t.request_id, t.trace, least($4, clock_timestamp())
          FROM taken t JOIN unnest($2::text[], $3::text[]) AS s (consumer, topic) USING (topic)
         ORDER BY t.message_id
            ON CONFLICT (tenant_id, consumer, message_id) DO UPDATE
           SET due_at = coalesce(inbox.due_at, excluded.due_at), payload = excluded.payload
         WHERE inbox.done_at IS NULL AND inbox.dead_at IS NULL
        RETURNING consumer
    ), relayed AS (
        UPDATE outbox o SET done_at = clock_timestamp(), attempts = o.attempts + 1, fault = ''
          FROM taken t WHERE o.tenant_id = t.tenant_id AND o.message_id = t.message_id
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM relayed) AS relayed,
           (SELECT string_agg(DISTINCT consumer, ',') FROM told) AS told
"""
WAKE: Final[LiteralString] = "SELECT pg_notify('usher_inbox', $1)"  # for whom, or '' for all
# The oldest message of each key that is due, if nobody else has it. Asked for as a minimum, which
# is looked up for each that is met: as NOT EXISTS the server may join all with all of their key.
OLDEST: Final[LiteralString] = """
    SELECT * FROM inbox i
     WHERE tenant_id = current_tenant() AND consumer = $1
       AND done_at IS NULL AND dead_at IS NULL AND due_at <= $2
       AND message_id = (
           SELECT min(e.message_id) FROM inbox e
            WHERE e.tenant_id = i.tenant_id AND e.consumer = i.consumer AND e.key = i.key
              AND e.done_at IS NULL AND e.dead_at IS NULL)
     ORDER BY message_id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
DONE: Final[LiteralString] = """
    UPDATE inbox SET done_at = clock_timestamp(), attempts = attempts + 1, payload = NULL
     WHERE tenant_id = current_tenant() AND consumer = $1 AND message_id = ANY ($2::bigint[])
"""
# What was begun is due later, in case that its process dies. One whose process died at its last
# attempt is begun no more.
BEGIN: Final[LiteralString] = """
    UPDATE inbox SET fault = $3, due_at = $4,
           attempts = attempts + CASE WHEN fault = $3 AND attempts >= $5 THEN 0 ELSE 1 END,
           dead_at = CASE WHEN fault = $3 AND attempts >= $5 THEN clock_timestamp() END
     WHERE tenant_id = current_tenant() AND consumer = $1 AND message_id = $2
    RETURNING dead_at IS NULL
"""
RESUME: Final[LiteralString] = """
    UPDATE inbox SET fault = '', attempts = attempts - 1
     WHERE tenant_id = current_tenant() AND consumer = $1 AND message_id = $2
       AND done_at IS NULL AND dead_at IS NULL
    RETURNING true
"""
POSTPONE: Final[LiteralString] = """
    UPDATE inbox SET attempts = $6, due_at = $4, fault = $3,
           dead_at = CASE WHEN $6 >= $5::int THEN clock_timestamp() END
     WHERE tenant_id = current_tenant() AND consumer = $1 AND message_id = $2 AND done_at IS NULL
"""
BEHIND: Final[LiteralString] = """
    SELECT EXISTS (
        SELECT FROM inbox WHERE tenant_id = current_tenant() AND consumer = $1 AND key = $2
           AND message_id < $3 AND done_at IS NULL AND dead_at IS NULL AND due_at IS NOT NULL)
"""
# A second one of the same message waits here for the first, and finds it done.
ARRIVE: Final[LiteralString] = """
    INSERT INTO inbox (consumer, message_id, topic, version, key, at, request_id, trace,
                       attempts, done_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, clock_timestamp())
        ON CONFLICT (tenant_id, consumer, message_id) DO UPDATE
       SET done_at = clock_timestamp(), attempts = inbox.attempts + 1, payload = NULL
     WHERE inbox.done_at IS NULL AND inbox.dead_at IS NULL
    RETURNING true
"""
NOTE: Final[LiteralString] = """
    INSERT INTO inbox (consumer, message_id, topic, version, key, at, request_id, trace, payload,
                       attempts, fault)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)
        ON CONFLICT (tenant_id, consumer, message_id) DO UPDATE
       SET attempts = inbox.attempts + 1, fault = excluded.fault
     WHERE inbox.done_at IS NULL AND inbox.dead_at IS NULL
"""
# What a handler died of says more than that the transport gave up.
BURY: Final[LiteralString] = """
    INSERT INTO inbox (consumer, message_id, topic, version, key, at, request_id, trace, payload,
                       attempts, fault, dead_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, clock_timestamp())
        ON CONFLICT (tenant_id, consumer, message_id) DO UPDATE
       SET dead_at = clock_timestamp(), fault = coalesce(nullif(inbox.fault, ''), excluded.fault)
     WHERE inbox.done_at IS NULL AND inbox.dead_at IS NULL
"""


async def relay(tx: TenantTx, subscribed: Sequence[tuple[str, str]], most: int) -> int:
    """Move messages from the outbox to whom (consumer, topic) names; return how many."""
    consumers, topics = [name for name, _ in subscribed], [topic for _, topic in subscribed]
    row = await tx.conn.fetchrow(RELAY, most, consumers, topics, tx.now)
    if row is None:  # it counts, and so always returns one
        raise RuntimeError("the relay returned nothing")
    if row["told"]:
        await tx.conn.execute(WAKE, row["told"])
    return int(row["relayed"])


async def oldest(tx: TenantTx, consumer: str, most: int) -> list[Message]:
    """Lock and return the oldest messages that are due, no two of one key."""
    return [message_of(row) for row in await tx.conn.fetch(OLDEST, consumer, tx.now, most)]


async def done(tx: TenantTx, consumer: str, numbers: Sequence[int]) -> None:
    """Mark messages done. Their payload is kept in the outbox alone."""
    await tx.conn.execute(DONE, consumer, numbers)


async def begin(
    tx: TenantTx, consumer: str, number: int, fault: str, due: datetime, most: int
) -> bool:
    """Count an attempt before it is made, with the `fault` of a process that dies of it; False:
    such was the `most`th, and the message is dead. `resume` takes it back when it is made."""
    return await tx.conn.fetchval(BEGIN, consumer, number, fault, due, most) is True


async def resume(tx: TenantTx, consumer: str, number: int) -> bool:
    """Lock a message that was begun, as if it had not been; False: it is done or dead."""
    return await tx.conn.fetchval(RESUME, consumer, number) is True


async def postpone(
    tx: TenantTx, consumer: str, message: Message, fault: str, due: datetime, most: int | None
) -> None:
    """Note a failure; the `most`th is the last."""
    await tx.conn.execute(POSTPONE, consumer, message.id, fault, due, most, message.attempt)


async def is_behind(tx: TenantTx, consumer: str, message: Message) -> bool:
    """Whether an earlier message of its key is still to be handed out here."""
    return await tx.conn.fetchval(BEHIND, consumer, message.key, message.id) is True


async def arrive(tx: TenantTx, consumer: str, message: Message) -> bool:
    """Mark a message done that came from a broker; False: it was done or dead before."""
    return await tx.conn.fetchval(ARRIVE, consumer, *_told(message)) is True


async def note(tx: TenantTx, consumer: str, message: Message, fault: str) -> None:
    """Note a failure of a message that a broker brings again."""
    await tx.conn.execute(NOTE, consumer, *_told(message), message.payload, fault)


async def bury(tx: TenantTx, consumer: str, message: Message, fault: str) -> None:
    """Have a message dead."""
    told = _told(message)
    await tx.conn.execute(BURY, consumer, *told, message.payload, message.attempt, fault)


def message_of(row: Row) -> Message:
    """Return the message of a row."""
    return Message(
        row["message_id"], row["topic"], row["version"], row["key"], row["payload"] or {},
        row["at"], row["request_id"], row["trace"], row["attempts"] + 1,
    )  # fmt: skip


def _told(message: Message) -> tuple[object, ...]:
    return (
        message.id, message.topic, message.version, message.key, message.at, message.request_id,
        message.trace,
    )  # fmt: skip
