"""100,000 tickets issued and signed, end to end into PostgreSQL (cloud/tickets/issuing.py).

Beside it, in the same run and in the same pieces: signing alone, and an INSERT of the very rows
into a table with the same columns, checks and indexes but without partitions, row-level
security, foreign keys and the triggers that write each ticket's history.
"""

import time
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop

from benchmarks.cloud.place import Hall, Place, open_hall, tell
from benchmarks.report import Row
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.keys.issuers import Issuer
from cloud.parts import Parts
from cloud.tickets import issuing
from cloud.tickets.signing import Unsigned, tokens
from cloud.working import utc_now

TICKETS: Final = 100_000
BARE: Final = """
    CREATE TABLE bare (LIKE ticket INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS
                       INCLUDING INDEXES)
"""
ROWS: Final = """
    SELECT tenant_id, event_id, ticket_id, number, class_index, state, kid, token, changed_at
      FROM ticket WHERE event_id = $1 ORDER BY number
"""
INSERT: Final = """
    INSERT INTO bare (tenant_id, event_id, ticket_id, number, class_index, state, kid, token,
                      changed_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::text[],
                         $7::bytea[], $8::bytea[], $9::timestamptz[])
"""
STORED: Final = """
    SELECT count(*) FILTER (WHERE token IS NOT NULL AND state = 'active') AS signed,
           (SELECT count(*) FROM ticket_move m WHERE m.event_id = $1) AS moves
      FROM ticket t WHERE t.event_id = $1
"""


def rows_of(place: Place, tickets: int = TICKETS) -> list[Row]:
    """Issue tickets for an event."""
    hall = open_hall(place)
    seconds, signing = uvloop.run(_issue(hall, tickets))
    (stored,) = place.database.rows(STORED, hall.event)
    if not stored["signed"] == stored["moves"] == tickets:
        raise SystemExit(f"{tickets} tickets, in the database {dict(stored)}")
    place.database.run(BARE)
    bare = uvloop.run(_insert(place, place.database.rows(ROWS, hall.event)))
    rate = tickets / seconds
    return [
        Row(f"issue {tickets:,} signed tickets into PostgreSQL", rate, "/s", 10_000, "at least",
            f"signing alone {tickets / signing:,.0f}/s; a bare INSERT of the same rows "
            f"{tickets / bare:,.0f}/s, so {100 * bare / seconds:.0f} % of it"),
    ]  # fmt: skip


async def fill(hall: Hall, tickets: int) -> None:
    """Issue tickets of the hall's class."""
    parts = Parts(hall.settings)
    async with parts.open():
        await issuing.issue(parts.pool, parts.issuers, hall.tenant, hall.event, 0, tickets)


async def _issue(hall: Hall, tickets: int) -> tuple[float, float]:
    """Return how long it took, and how long to sign as many."""
    begin = time.perf_counter()
    await fill(hall, tickets)
    seconds = time.perf_counter() - begin
    issuer = await _issuer(hall)
    begin = time.perf_counter()
    for first in range(0, tickets, issuing.PIECE):
        some = range(first, min(first + issuing.PIECE, tickets))
        tokens(issuer, [Unsigned(UUID(int=i), 0, 0, None, False) for i in some])  # noqa: FBT003
    return seconds, time.perf_counter() - begin


async def _issuer(hall: Hall) -> Issuer:
    parts = Parts(hall.settings)
    async with parts.open(), tenant_tx(parts.pool, hall.tenant, WORKER, utc_now()) as tx:
        return await parts.issuers.of(tx, hall.event)


async def _insert(place: Place, rows: list[Any]) -> float:
    conn = await asyncpg.connect(place.database.root_url)
    try:
        begin = time.perf_counter()
        for first in range(0, len(rows), issuing.PIECE):
            piece = rows[first : first + issuing.PIECE]
            await conn.execute(INSERT, *map(list, zip(*piece, strict=True)))
        return time.perf_counter() - begin
    finally:
        await conn.close()


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
