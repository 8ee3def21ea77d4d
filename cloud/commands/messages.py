"""`usher-cloud admin outbox …`: the messages that nobody has handled."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, LiteralString, TypeVar
from uuid import UUID

import msgspec
from rich.table import Table

from cloud.commands.admin import OPERATOR, TENANTS, operate
from cloud.commands.saying import OUT
from cloud.db.connect import Row
from cloud.db.tenancy import PlatformTx, TenantTx, platform_tx, tenant_tx
from cloud.messages import dead
from cloud.parts import Parts
from cloud.settings import Settings, Unfit
from cloud.tickets.sheet_text import plain
from cloud.topics import shown
from cloud.working import utc_now

Found = TypeVar("Found")
LISTED: Final = 200  # messages of one tenant
PLATFORM: Final = "platform"

# What is to be told yet, and what each consumer has before it.
MESSAGES: Final[LiteralString] = """
    SELECT * FROM (
        SELECT message_id, '' AS consumer, topic, key, attempts, due_at, dead_at, fault FROM outbox
         WHERE tenant_id = current_tenant() AND done_at IS NULL
        UNION ALL
        SELECT message_id, consumer, topic, key, attempts, due_at, dead_at, fault FROM inbox
         WHERE tenant_id = current_tenant() AND done_at IS NULL) m
     WHERE dead_at IS NOT NULL OR NOT $1 ORDER BY message_id, consumer LIMIT $2
"""
PLATFORM_MESSAGES: Final[LiteralString] = """
    SELECT message_id, '' AS consumer, topic, key, attempts, due_at, dead_at, fault
      FROM platform_outbox
     WHERE done_at IS NULL AND (dead_at IS NOT NULL OR NOT $1) ORDER BY message_id LIMIT $2
"""
PLATFORM_SHOW: Final[LiteralString] = """
    SELECT message_id, topic, key, fault, attempts, created_at AS at, dead_at, request_id, payload
      FROM platform_outbox WHERE message_id = $1 AND dead_at IS NOT NULL AND done_at IS NULL
"""
PLATFORM_REPLAY: Final[LiteralString] = """
    UPDATE platform_outbox SET attempts = 0, due_at = $2, dead_at = NULL, fault = ''
     WHERE message_id = $1 AND dead_at IS NOT NULL AND done_at IS NULL RETURNING topic
"""
PLATFORM_DROP: Final[LiteralString] = """
    UPDATE platform_outbox SET done_at = $2, fault = 'dropped'
     WHERE message_id = $1 AND dead_at IS NOT NULL AND done_at IS NULL RETURNING topic
"""
WAKE: Final[LiteralString] = "SELECT pg_notify('usher_outbox', '')"
DONE: Final = {"replay": "replayed", "drop": "dropped"}
IN_PLATFORM: Final[dict[str, LiteralString]] = {"replay": PLATFORM_REPLAY, "drop": PLATFORM_DROP}
IN_TENANT: Final = {"replay": dead.replay, "drop": dead.drop}
FORM: Final = re.compile(r"(-?\d{1,18})/([a-z]{1,32})")


def show(settings: Settings, *, given_up: bool) -> None:
    """List messages that are not done."""

    async def act(parts: Parts) -> None:
        table = Table("message", "tenant", "topic", "key", "attempts", "fault", "next", box=None)
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            tenants = await ptx.conn.fetch(TENANTS)
            rows = await ptx.conn.fetch(PLATFORM_MESSAGES, given_up, LISTED)
            _add(table, PLATFORM, rows, f"{PLATFORM}:")
        for tenant in tenants:
            async with _entered(parts, tenant["tenant_id"]) as tx:
                _add(table, tenant["slug"], await tx.conn.fetch(MESSAGES, given_up, LISTED), "")
        OUT.print(table if table.row_count else "Nothing waits.")

    operate(settings, act)


def _entered(parts: Parts, tenant: UUID) -> AbstractAsyncContextManager[TenantTx]:
    """Enter a tenant, a suspended one too: its messages are handled, and so may be given up."""
    return tenant_tx(parts.pool, tenant, OPERATOR, utc_now(), suspended_too=True)


def _add(table: Table, owner: str, rows: list[Row], prefix: str) -> None:
    for row in rows:
        name = f"{prefix}{row['message_id']}" + (f"/{row['consumer']}" if row["consumer"] else "")
        topic, key, fault = map(plain, (row["topic"], row["key"], row["fault"]))  # a broker's, too
        table.add_row(name, owner, topic, key, str(row["attempts"]), fault, _next(row))


def _next(row: Row) -> str:
    if row["dead_at"]:
        return "given up"
    if row["due_at"] is None:
        return "by the broker"
    return f"{row['due_at']:%Y-%m-%d %H:%M:%S} UTC"


def settle(settings: Settings, message: str, what: str) -> None:
    """Replay or drop one message that was given up."""

    async def platform(tx: PlatformTx, number: int) -> bool:
        topic: str | None = await tx.conn.fetchval(IN_PLATFORM[what], number, tx.now)
        if topic is not None:
            await tx.audit(f"message.{DONE[what]}", f"message:{number}", topic=topic)
            await tx.conn.execute(WAKE)
        return topic is not None

    async def act(parts: Parts) -> None:
        await _one(parts, message, platform, IN_TENANT[what])
        OUT.print(f"Message {message} was {DONE[what]}.")

    operate(settings, act)


def look(settings: Settings, message: str) -> None:
    """Print one message that was given up, as JSON, as far as a person may see it."""

    async def platform(tx: PlatformTx, number: int) -> dict[str, Any] | None:
        row = await tx.conn.fetchrow(PLATFORM_SHOW, number)
        if row is None:
            return None
        await tx.audit("message.shown", f"message:{number}", topic=row["topic"])
        return dict(row) | {"payload": shown(row["topic"], 0, row["payload"])}

    async def tenants(tx: TenantTx, number: int, consumer: str) -> dict[str, Any] | None:
        found = await dead.show(tx, number, consumer)
        if found is None:
            return None
        rest = found._asdict()
        del rest["dead"]
        return {"tenant": tx.tenant} | found.dead._asdict() | rest

    async def act(parts: Parts) -> None:
        found = await _one(parts, message, platform, tenants)
        OUT.print_json(data=msgspec.to_builtins(found))

    operate(settings, act)


async def _one(
    parts: Parts,
    message: str,
    platform: Callable[[PlatformTx, int], Awaitable[Found | None]],
    tenant: Callable[[TenantTx, int, str], Awaitable[Found | None]],
) -> Found:
    """Return what is found of a message by its name, or raise `Unfit`."""
    found: Found | None
    number = message.removeprefix(f"{PLATFORM}:")
    if number != message and number.isascii() and number.isdigit() and len(number) <= 18:
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            found = await platform(ptx, int(number))
    elif named := FORM.fullmatch(message):
        found = await _tenants(parts, int(named[1]), named[2], tenant)
    else:
        raise Unfit(f"{message} names no message: `usher-cloud admin outbox` lists them.")
    if not found:
        raise Unfit(
            f"No message {message} was given up: `usher-cloud admin outbox --dead` lists them."
        )
    return found


async def _tenants(
    parts: Parts,
    number: int,
    consumer: str,
    act: Callable[[TenantTx, int, str], Awaitable[Found | None]],
) -> Found | None:
    async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
        tenants = await ptx.conn.fetch(TENANTS)
    for tenant in tenants:
        async with _entered(parts, tenant["tenant_id"]) as tx:
            if found := await act(tx, number, consumer):
                return found
    return None
