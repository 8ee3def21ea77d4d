"""Holds under contention: many connections that want the same few tickets (cloud/orders).

Each buyer runs what the route runs, `holding.place` in a tenant transaction that is committed to
the disk. Beside it, by the same connections in the same run: a transaction that enters the
tenant and inserts one row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import uvloop

from benchmarks.cloud.place import Hall, Place, open_hall, tell
from benchmarks.report import Row
from cloud.db.connect import Pool, open_pool
from cloud.db.tenancy import Origin, tenant_tx
from cloud.errors import Refusal
from cloud.orders import holding
from cloud.orders.holding import Limits
from cloud.orders.model import Wanted

CONNECTIONS: Final = 32
SEATS: Final = 6_000
BUYERS: Final = 7_000
LIMITS: Final = Limits(seconds=600, per_account=1)
ORIGIN: Final = Origin("benchmark")
ACCOUNTS: Final = """
    INSERT INTO account (account_id)
    SELECT gen_random_uuid() FROM generate_series(1, {}) RETURNING account_id
"""
# What no hold can do without: a durable row of the tenant's.
INSERT: Final[LiteralString] = """
    INSERT INTO audit (action, subject) VALUES ('benchmark', $1)
"""
TAKEN: Final = """
    SELECT count(*) AS tickets, count(DISTINCT i.ticket_id) AS different,
           count(DISTINCT p.account_id) AS buyers
      FROM purchase p JOIN purchase_item i USING (tenant_id, order_id)
     WHERE p.event_id = $1
"""
Buy = Callable[[UUID], Awaitable[bool]]


def rows_of(
    place: Place, seats: int = SEATS, buyers: int = BUYERS, connections: int = CONNECTIONS
) -> list[Row]:
    """Sell an event out."""
    hall = open_hall(place, seats)
    who = [row["account_id"] for row in place.database.rows(ACCOUNTS.format(buyers))]
    held, seconds, bare = uvloop.run(_race(hall, who, connections))
    (taken,) = place.database.rows(TAKEN, hall.event)
    if not held == taken["tickets"] == taken["different"] == taken["buyers"] == seats:
        raise SystemExit(f"{seats} seats, {held} held, in the database {dict(taken)}")
    rate = buyers / seconds
    return [
        Row(f"holds under contention, {connections} connections", rate, "/s", 1000, "at least",
            f"{bare:,.0f}/s transactions that insert one row: {100 * rate / bare:.0f} %"),
        Row(f"sold of {seats:,} seats to {buyers:,} buyers", held, "seats", seats, "at most",
            "each once, none left"),
    ]  # fmt: skip


async def _race(hall: Hall, who: list[UUID], connections: int) -> tuple[int, float, float]:
    pool = await open_pool(hall.settings.database_url, size=connections)
    try:
        half = len(who) // 2
        bare = await _buy(who[:half], connections, lambda each: _insert(pool, hall, each))
        held = await _buy(who, connections, lambda each: _hold(pool, hall, each))
        more = await _buy(who[half:], connections, lambda each: _insert(pool, hall, each))
    finally:
        await pool.close()
    return held[0], held[1], len(who) / (bare[1] + more[1])


async def _buy(who: list[UUID], connections: int, buy: Buy) -> tuple[int, float]:
    """Let all buy, as many at once as there are connections; return how many did, and seconds."""
    waiting = iter(who)

    async def line() -> int:
        return sum([await buy(each) for each in waiting])

    begin = time.perf_counter()
    got = await asyncio.gather(*(line() for _ in range(connections)))
    return sum(got), time.perf_counter() - begin


async def _hold(pool: Pool, hall: Hall, account: UUID) -> bool:
    try:
        async with tenant_tx(pool, hall.tenant, ORIGIN, datetime.now(UTC)) as tx:
            await holding.place(tx, account, hall.event, [Wanted(0, 1)], LIMITS)
    except Refusal as refusal:
        if refusal.code != "sold_out":
            raise
        return False
    return True


async def _insert(pool: Pool, hall: Hall, account: Any) -> bool:
    async with tenant_tx(pool, hall.tenant, ORIGIN, datetime.now(UTC)) as tx:
        await tx.conn.execute(INSERT, str(account))
    return True


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
