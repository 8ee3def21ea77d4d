"""The one way into a tenant's rows.

    async with tenant_tx(pool, tenant, WORKER, now) as tx:
        await tx.conn.fetch(...)

Row-level security is forced on every table with tenant data, and binds a query to the tenant
that the transaction has entered; without one, no row is seen and none can be written. What
happens beside the rows is told through the outbox, in the same transaction.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import LENT, Connection, Pool
from cloud.errors import Refusal
from cloud.spans import traceparent
from cloud.topics import version_of

ENTER: Final[LiteralString] = "SELECT known, current, role, admin FROM enter($1, $2, $3, $4)"
ACT: Final[LiteralString] = "SELECT set_config('app.actor', $1, true)"
AUDIT: Final[LiteralString] = """
    INSERT INTO audit (action, subject, request_id, address, detail) VALUES ($1, $2, $3, $4, $5)
"""
PLATFORM_AUDIT: Final[LiteralString] = """
    INSERT INTO platform_audit (action, subject, request_id, address, detail)
    VALUES ($1, $2, $3, $4, $5)
"""
PUBLISH: Final[LiteralString] = """
    INSERT INTO outbox (topic, key, payload, request_id, version, trace)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
LAZY: Final[LiteralString] = "SET LOCAL synchronous_commit TO off"
TELL: Final[LiteralString] = "SELECT pg_notify('usher_sync', current_tenant()::text)"


class Origin(NamedTuple):
    """Who acts, by which request, from where."""

    actor: str  # "account:<uuid>", "key:<id>", "worker"; never a name
    request_id: str = ""
    address: str | None = None


WORKER: Final = Origin("worker")


class Entered(NamedTuple):
    """What the database says of a tenant and an account (migrations/0002_accounts.sql)."""

    known: bool | None
    current: bool | None
    role: str | None
    admin: bool | None


class PlatformTx:
    """A transaction outside every tenant: accounts, sessions, new tenants."""

    def __init__(self, conn: Connection, origin: Origin, now: datetime) -> None:
        self.conn = conn
        self.origin = origin
        self.now = now  # aware, UTC

    async def audit(self, action: str, subject: str, **detail: object) -> None:
        """Write down who did `action` to `subject`. `detail`: ids and numbers alone."""
        await write_down(self, PLATFORM_AUDIT, action, subject, detail)


class TenantTx:
    """A transaction bound to one tenant."""

    def __init__(self, conn: Connection, tenant: UUID, origin: Origin, now: datetime) -> None:
        self.conn = conn
        self.tenant = tenant
        self.origin = origin
        self.now = now  # aware, UTC

    async def audit(self, action: str, subject: str, **detail: object) -> None:
        """Write down who did `action` to `subject`. `detail`: ids and numbers alone."""
        await write_down(self, AUDIT, action, subject, detail)

    async def publish(self, topic: str, key: str, **payload: object) -> None:
        """Tell of what this transaction does. Messages of one key are handled in order.

        `topic` and `payload` have the form that cloud/topics says.
        """
        await self.conn.execute(
            PUBLISH, topic, key, payload, self.origin.request_id, version_of(topic), traceparent()
        )

    async def may_be_lost(self) -> None:
        """Don't wait for the disk: what this writes may be forgotten, and said again."""
        await self.conn.execute(LAZY)

    async def tell_devices(self) -> None:
        """Wake the streams of the tenant's devices, once this is committed (cloud/sync/hub.py)."""
        await self.conn.execute(TELL)


async def write_down(
    tx: PlatformTx | TenantTx,
    sql: LiteralString,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> None:
    """Append a row to one of the two audits."""
    origin = tx.origin
    await tx.conn.execute(sql, action, subject, origin.request_id, origin.address, dict(detail))


async def enter(
    conn: Connection, tenant: UUID, actor: str, account: UUID | None = None, epoch: int = 0
) -> Entered:
    """Bind the open transaction to `tenant`, and say what `account` is in it."""
    row = await conn.fetchrow(ENTER, tenant, actor, account, epoch)
    if row is None:  # a function with OUT parameters always returns one
        raise RuntimeError("enter() returned nothing")
    return Entered(row["known"], row["current"], row["role"], row["admin"])


@asynccontextmanager
async def tenant_tx(
    pool: Pool, tenant: UUID, origin: Origin, now: datetime, *, suspended_too: bool = False
) -> AsyncIterator[TenantTx]:
    """Open a transaction in `tenant`; commit it at the end, or roll it back on an exception.

    `suspended_too`: for what is owed whatever the platform decides of the tenant.
    """
    async with pool.acquire(timeout=LENT) as conn, conn.transaction():
        known = (await enter(conn, tenant, origin.actor)).known
        if not known and not (suspended_too and known is False):
            raise Refusal("not_found")
        yield TenantTx(conn, tenant, origin, now)


@asynccontextmanager
async def platform_tx(pool: Pool, origin: Origin, now: datetime) -> AsyncIterator[PlatformTx]:
    """Open a transaction outside every tenant."""
    async with pool.acquire(timeout=LENT) as conn, conn.transaction():
        await conn.execute(ACT, origin.actor)
        yield PlatformTx(conn, origin, now)
