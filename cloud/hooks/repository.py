"""Endpoints, deliveries and their attempts in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Connection, Row
from cloud.db.tenancy import TenantTx
from cloud.hooks.model import OVERLAP

LEASE: Final = timedelta(seconds=60)  # after which a delivery whose sender died is sent again
KEPT: Final = timedelta(days=30)

DUE: Final[LiteralString] = "SELECT tenant_id, endpoint_id FROM hooks_due($1)"


class Due(NamedTuple):
    """An endpoint for which something is due."""

    tenant: UUID
    endpoint_id: UUID


async def due(conn: Connection, now: datetime) -> list[Due]:
    """Return endpoints for which something is due, of all tenants, longest waiting first."""
    return [Due(row["tenant_id"], row["endpoint_id"]) for row in await conn.fetch(DUE, now)]


class Endpoint(NamedTuple):
    """An endpoint as it stands."""

    endpoint_id: UUID
    url: str
    name: str
    topics: list[str]
    sealed: bytes
    sealed_before: bytes | None
    before_until: datetime | None
    created_at: datetime
    paused_at: datetime | None
    paused_for: str
    failures: int
    failing_since: datetime | None


ADD: Final[LiteralString] = """
    INSERT INTO hook_endpoint (endpoint_id, url, name, topics, sealed, created_at)
    SELECT $1, $2, $3, $4, $5, $6
     WHERE (SELECT count(*) FROM hook_endpoint
             WHERE tenant_id = current_tenant() AND removed_at IS NULL) < $7
    RETURNING endpoint_id
"""


async def add(tx: TenantTx, endpoint: Endpoint, most: int) -> bool:
    """Store a new endpoint, unless there are `most` already."""
    await tx.conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{tx.tenant}")
    made = await tx.conn.fetchval(
        ADD, endpoint.endpoint_id, endpoint.url, endpoint.name, endpoint.topics, endpoint.sealed,
        tx.now, most,
    )  # fmt: skip
    return made is not None


LIST: Final[LiteralString] = """
    SELECT endpoint_id, url, name, topics, sealed, sealed_before, before_until, created_at,
           paused_at, paused_for, failures, failing_since FROM hook_endpoint
     WHERE tenant_id = current_tenant() AND removed_at IS NULL
       AND ($1::uuid IS NULL OR endpoint_id = $1) ORDER BY created_at, endpoint_id
"""


async def endpoints(tx: TenantTx, one: UUID | None = None) -> list[Endpoint]:
    """Return the endpoints, or the one that is asked for."""
    return [Endpoint(**row) for row in await tx.conn.fetch(LIST, one)]


LOCK: Final[LiteralString] = """
    SELECT FROM hook_endpoint WHERE tenant_id = current_tenant() AND endpoint_id = $1
       AND removed_at IS NULL FOR UPDATE
"""


async def lock(tx: TenantTx, endpoint_id: UUID) -> Endpoint | None:
    """Return an endpoint that nobody else changes until the end of the transaction."""
    await tx.conn.fetchrow(LOCK, endpoint_id)
    found = await endpoints(tx, endpoint_id)
    return found[0] if found else None


CHANGE: Final[LiteralString] = """
    UPDATE hook_endpoint SET url = $2, name = $3, topics = $4, failures = 0, failing_since = NULL,
           rest_until = NULL
     WHERE tenant_id = current_tenant() AND endpoint_id = $1
"""


async def change(tx: TenantTx, endpoint_id: UUID, url: str, name: str, topics: list[str]) -> None:
    """Give an endpoint other words; it is tried anew."""
    await tx.conn.execute(CHANGE, endpoint_id, url, name, topics)


ROTATE: Final[LiteralString] = """
    UPDATE hook_endpoint SET sealed_before = sealed, before_until = $3, sealed = $2
     WHERE tenant_id = current_tenant() AND endpoint_id = $1
"""


async def rotate(tx: TenantTx, endpoint_id: UUID, sealed: bytes) -> None:
    """Replace a secret; the one before signs beside it for a day."""
    await tx.conn.execute(ROTATE, endpoint_id, sealed, tx.now + OVERLAP)


PAUSE: Final[LiteralString] = """
    UPDATE hook_endpoint SET paused_at = $2, paused_for = $3
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND paused_at IS NULL
"""
RESUME: Final[LiteralString] = """
    UPDATE hook_endpoint SET paused_at = NULL, paused_for = '', failures = 0,
           failing_since = NULL, rest_until = NULL
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND paused_at IS NOT NULL
"""
WAKE: Final[LiteralString] = "NOTIFY usher_hooks"


async def pause(tx: TenantTx, endpoint_id: UUID, why: str) -> bool:
    """Send nothing more, and let everything wait; whether that is new."""
    return await tx.conn.execute(PAUSE, endpoint_id, tx.now, why) == "UPDATE 1"


async def resume(tx: TenantTx, endpoint_id: UUID) -> bool:
    """Send again, what has waited first; whether that is new."""
    resumed = await tx.conn.execute(RESUME, endpoint_id) == "UPDATE 1"
    await tx.conn.execute(WAKE)
    return resumed


REMOVE: Final[LiteralString] = """
    UPDATE hook_endpoint SET removed_at = $2
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND removed_at IS NULL
"""
DROP: Final[LiteralString] = """
    DELETE FROM hook_delivery WHERE tenant_id = current_tenant() AND endpoint_id = $1
       AND taken_at IS NULL
"""


async def remove(tx: TenantTx, endpoint_id: UUID) -> bool:
    """Forget an endpoint and what waits for it; whether there was one."""
    if await tx.conn.execute(REMOVE, endpoint_id, tx.now) != "UPDATE 1":
        return False
    await tx.conn.execute(DROP, endpoint_id)
    return True


PUT: Final[LiteralString] = """
    INSERT INTO hook_delivery (endpoint_id, message_id, topic, body, created_at, due_at)
    SELECT endpoint_id, $1, $2, $3, $4, $4 FROM hook_endpoint
     WHERE tenant_id = current_tenant() AND removed_at IS NULL
       AND (topics = '{}' OR $2 = ANY (topics))
    ON CONFLICT DO NOTHING
"""
PUT_ONE: Final[LiteralString] = """
    INSERT INTO hook_delivery (endpoint_id, topic, body, created_at, due_at)
    VALUES ($1, $2, $3, $4, $4) RETURNING delivery_id
"""


async def put(tx: TenantTx, message_id: int, topic: str, body: bytes) -> None:
    """Make a delivery for each endpoint that wants the topic."""
    await tx.conn.execute(PUT, message_id, topic, body, tx.now)


async def put_one(tx: TenantTx, endpoint_id: UUID, topic: str, body: bytes) -> UUID:
    """Make a delivery for one endpoint."""
    made: UUID = await tx.conn.fetchval(PUT_ONE, endpoint_id, topic, body, tx.now)
    return made


TAKE: Final[LiteralString] = """
    UPDATE hook_delivery SET due_at = $3
     WHERE tenant_id = current_tenant() AND delivery_id = (
           SELECT delivery_id FROM hook_delivery
            WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND taken_at IS NULL
              AND dead_at IS NULL AND due_at <= $2
            ORDER BY due_at, delivery_id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING delivery_id, topic, body, attempts, coalesce((
        SELECT o.trace FROM outbox o
         WHERE o.tenant_id = current_tenant()
           AND o.message_id = hook_delivery.message_id), '') AS trace
"""


class Delivery(NamedTuple):
    """What is to be sent. `attempts`: that were made."""

    delivery_id: UUID
    topic: str
    body: bytes
    attempts: int
    trace: str  # of what it tells of, as W3C's traceparent; "" for none


async def take(tx: TenantTx, endpoint_id: UUID) -> Delivery | None:
    """Return what is due next for an endpoint, which is this sender's for a while."""
    row = await tx.conn.fetchrow(TAKE, endpoint_id, tx.now, tx.now + LEASE)
    return Delivery(**row) if row else None


ATTEMPT: Final[LiteralString] = """
    INSERT INTO hook_attempt (delivery_id, at, status, fault, ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""
TAKEN: Final[LiteralString] = """
    UPDATE hook_delivery SET taken_at = $2, attempts = attempts + 1
     WHERE tenant_id = current_tenant() AND delivery_id = $1 AND taken_at IS NULL
"""
FAILED: Final[LiteralString] = """
    UPDATE hook_delivery SET attempts = attempts + 1, due_at = coalesce($3, due_at),
           dead_at = CASE WHEN $3::timestamptz IS NULL THEN $2::timestamptz END
     WHERE tenant_id = current_tenant() AND delivery_id = $1 AND taken_at IS NULL
"""
WELL: Final[LiteralString] = """
    UPDATE hook_endpoint SET failures = 0, failing_since = NULL, rest_until = NULL
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND failures > 0
"""
ILL: Final[LiteralString] = """
    UPDATE hook_endpoint SET failures = failures + 1, failing_since = coalesce(failing_since, $2),
           rest_until = $3
     WHERE tenant_id = current_tenant() AND endpoint_id = $1
"""


async def note(tx: TenantTx, delivery_id: UUID, status: int, fault: str, ms: int) -> None:
    """Write down how a call went."""
    await tx.conn.execute(ATTEMPT, delivery_id, tx.now, status, fault, ms)


async def taken(tx: TenantTx, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Mark a delivery as taken by its receiver, who is well."""
    await tx.conn.execute(TAKEN, delivery_id, tx.now)
    await tx.conn.execute(WELL, endpoint_id)


async def failed(
    tx: TenantTx, endpoint_id: UUID, delivery_id: UUID, again: datetime | None, rest: datetime
) -> None:
    """Plan a delivery's next try, or give it up, and let its receiver rest."""
    await tx.conn.execute(FAILED, delivery_id, tx.now, again)
    await tx.conn.execute(ILL, endpoint_id, tx.now, rest)


DELIVERIES: Final[LiteralString] = """
    SELECT d.delivery_id, d.topic, d.created_at, d.attempts, d.due_at, d.taken_at, d.dead_at,
           a.at AS last_at, a.status, a.fault, a.ms
      FROM hook_delivery d
      LEFT JOIN LATERAL (
           SELECT at, status, fault, ms FROM hook_attempt a
            WHERE a.tenant_id = d.tenant_id AND a.delivery_id = d.delivery_id
            ORDER BY at DESC LIMIT 1) a ON true
     WHERE d.tenant_id = current_tenant() AND d.endpoint_id = $1
       AND ($2::timestamptz IS NULL OR (d.created_at, d.delivery_id) < ($2, $3))
       AND (NOT $4 OR d.taken_at IS NULL)
     ORDER BY d.created_at DESC, d.delivery_id DESC LIMIT $5
"""


async def deliveries(
    tx: TenantTx, endpoint_id: UUID, after: tuple[datetime, UUID] | None, most: int, *, open_: bool
) -> Sequence[Row]:
    """Return deliveries, newest first; `open_`: those that were not taken alone."""
    at, delivery_id = after or (None, None)
    return await tx.conn.fetch(DELIVERIES, endpoint_id, at, delivery_id, open_, most)


ATTEMPTS: Final[LiteralString] = """
    SELECT at, status, fault, ms FROM hook_attempt
     WHERE tenant_id = current_tenant() AND delivery_id = $1 ORDER BY at DESC LIMIT 100
"""
BODY: Final[LiteralString] = """
    SELECT body FROM hook_delivery
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND delivery_id = $2
"""


async def attempts(tx: TenantTx, delivery_id: UUID) -> Sequence[Row]:
    """Return the calls that were made for a delivery, newest first."""
    return await tx.conn.fetch(ATTEMPTS, delivery_id)


async def body(tx: TenantTx, endpoint_id: UUID, delivery_id: UUID) -> bytes | None:
    """Return what a delivery sends."""
    found: bytes | None = await tx.conn.fetchval(BODY, endpoint_id, delivery_id)
    return found


REPLAY: Final[LiteralString] = """
    UPDATE hook_delivery SET attempts = 0, due_at = $3, dead_at = NULL, taken_at = NULL
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND delivery_id = $2
"""
REPLAY_SINCE: Final[LiteralString] = """
    UPDATE hook_delivery SET attempts = 0, due_at = $3, dead_at = NULL
     WHERE tenant_id = current_tenant() AND endpoint_id = $1 AND created_at >= $2
       AND taken_at IS NULL
"""


async def replay(tx: TenantTx, endpoint_id: UUID, delivery_id: UUID) -> bool:
    """Send a delivery again, whatever became of it, under the id that it had."""
    return await tx.conn.execute(REPLAY, endpoint_id, delivery_id, tx.now) == "UPDATE 1"


async def replay_since(tx: TenantTx, endpoint_id: UUID, since: datetime) -> int:
    """Send again what was not taken since then; return how many that are."""
    tag = await tx.conn.execute(REPLAY_SINCE, endpoint_id, since, tx.now)
    return int(tag.split()[-1])


FORGET: Final[LiteralString] = """
    DELETE FROM hook_delivery WHERE tenant_id = current_tenant() AND created_at < $1
"""


async def forget(tx: TenantTx) -> None:
    """Drop what is older than a month, taken or not."""
    await tx.conn.execute(FORGET, tx.now - KEPT)
