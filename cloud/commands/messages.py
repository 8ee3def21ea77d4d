"""`usher-cloud admin outbox …`: the messages that nobody has handled."""

from typing import Final, LiteralString, NamedTuple

from rich.table import Table

from cloud.commands.admin import OPERATOR, TENANTS, operate
from cloud.commands.saying import OUT
from cloud.db.connect import Row
from cloud.db.tenancy import PlatformTx, TenantTx, platform_tx, tenant_tx
from cloud.parts import Parts
from cloud.settings import Settings, Unfit
from cloud.working import utc_now

LISTED: Final = 200  # messages of one tenant
PLATFORM: Final = "platform"

MESSAGES: Final[LiteralString] = """
    SELECT message_id, topic, key, attempts, due_at, dead_at, fault FROM outbox
     WHERE tenant_id = current_tenant() AND done_at IS NULL AND (dead_at IS NOT NULL OR NOT $1)
     ORDER BY message_id LIMIT $2
"""
REPLAY: Final[LiteralString] = """
    UPDATE outbox SET attempts = 0, due_at = $2, dead_at = NULL, fault = ''
     WHERE tenant_id = current_tenant() AND message_id = $1 AND done_at IS NULL
    RETURNING topic
"""
DROP: Final[LiteralString] = """
    UPDATE outbox SET done_at = $2, fault = 'dropped'
     WHERE tenant_id = current_tenant() AND message_id = $1 AND done_at IS NULL
    RETURNING topic
"""
PLATFORM_MESSAGES: Final[LiteralString] = """
    SELECT message_id, topic, key, attempts, due_at, dead_at, fault FROM platform_outbox
     WHERE done_at IS NULL AND (dead_at IS NOT NULL OR NOT $1) ORDER BY message_id LIMIT $2
"""
PLATFORM_REPLAY: Final[LiteralString] = """
    UPDATE platform_outbox SET attempts = 0, due_at = $2, dead_at = NULL, fault = ''
     WHERE message_id = $1 AND done_at IS NULL RETURNING topic
"""
PLATFORM_DROP: Final[LiteralString] = """
    UPDATE platform_outbox SET done_at = $2, fault = 'dropped'
     WHERE message_id = $1 AND done_at IS NULL RETURNING topic
"""
WAKE: Final[LiteralString] = "SELECT pg_notify('usher_outbox', '')"


class Act(NamedTuple):
    """What is done with one message, in a tenant or outside all of them."""

    done: str
    in_tenant: LiteralString
    in_platform: LiteralString


ACTS: Final = {
    "replay": Act("replayed", REPLAY, PLATFORM_REPLAY),
    "drop": Act("dropped", DROP, PLATFORM_DROP),
}


def show(settings: Settings, *, dead: bool) -> None:
    """List messages that are not done."""

    async def act(parts: Parts) -> None:
        table = Table("message", "tenant", "topic", "key", "attempts", "fault", "next", box=None)
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            tenants = await ptx.conn.fetch(TENANTS)
            rows = await ptx.conn.fetch(PLATFORM_MESSAGES, dead, LISTED)
            _add(table, PLATFORM, rows, f"{PLATFORM}:")
        for tenant in tenants:
            async with tenant_tx(parts.pool, tenant["tenant_id"], OPERATOR, utc_now()) as tx:
                _add(table, tenant["slug"], await tx.conn.fetch(MESSAGES, dead, LISTED), "")
        OUT.print(table if table.row_count else "Nothing waits.")

    operate(settings, act)


def _add(table: Table, owner: str, rows: list[Row], prefix: str) -> None:
    for row in rows:
        due = "given up" if row["dead_at"] else f"{row['due_at']:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(
            f"{prefix}{row['message_id']}", owner, row["topic"], row["key"],
            str(row["attempts"]), row["fault"], due,
        )  # fmt: skip


def settle(settings: Settings, message: str, what: str) -> None:
    """Replay or drop one message."""
    number = message.removeprefix(f"{PLATFORM}:")

    async def act(parts: Parts) -> None:
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise Unfit(f"{message} names no message: `usher-cloud admin outbox` lists them.")
        found = await (_platform if number != message else _tenants)(parts, int(number), ACTS[what])
        if found is None:
            raise Unfit(f"No message {message} waits: `usher-cloud admin outbox` lists them.")
        OUT.print(f"Message {message} ({found}) was {ACTS[what].done}.", markup=False)

    operate(settings, act)


async def _platform(parts: Parts, number: int, act: Act) -> str | None:
    async with platform_tx(parts.pool, OPERATOR, utc_now()) as tx:
        return await _done(tx, number, act, act.in_platform)


async def _tenants(parts: Parts, number: int, act: Act) -> str | None:
    async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
        tenants = await ptx.conn.fetch(TENANTS)
    for tenant in tenants:
        async with tenant_tx(parts.pool, tenant["tenant_id"], OPERATOR, utc_now()) as tx:
            if (found := await _done(tx, number, act, act.in_tenant)) is not None:
                return found
    return None


async def _done(tx: PlatformTx | TenantTx, number: int, act: Act, sql: LiteralString) -> str | None:
    topic: str | None = await tx.conn.fetchval(sql, number, tx.now)
    if topic is not None:
        await tx.audit(f"message.{act.done}", f"message:{number}", topic=topic)
        await tx.conn.execute(WAKE)
    return topic
