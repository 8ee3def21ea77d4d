"""Redeeming online over HTTP, with 100,000 tickets in the event (cloud/checkins/redeemer.py).

`usher-cloud serve` with two processes, PostgreSQL, Valkey and the client share the machine's
cores. Each scan is another ticket's and must be answered green, after a commit to the disk.
Beside it, in the same run: a transaction in the tenant that inserts one row.
"""

import time
from datetime import UTC, datetime
from typing import Final, LiteralString

import msgspec
import uvloop

from benchmarks.cloud.client import Answer, ask, request
from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Hall, Place, open_hall, tell
from benchmarks.report import Row, percentile
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from shared.token import encode_text

TICKETS: Final = 100_000
CALM: Final = 1_000  # scans at a modest load
EVERY: Final = 0.02  # seconds between two of them
RUSH: Final = 5_000  # scans as fast as they go
WORKERS: Final = 2
CONNECTIONS: Final = 32
CODES: Final = """
    SELECT token FROM ticket WHERE event_id = $1 ORDER BY ticket_id LIMIT $2
"""
INSERT: Final[LiteralString] = "INSERT INTO audit (action, subject) VALUES ('benchmark', $1)"
USED: Final = "SELECT count(*) AS used FROM ticket WHERE event_id = $1 AND state = 'used'"


def rows_of(place: Place, tickets: int = TICKETS, calm: int = CALM, rush: int = RUSH) -> list[Row]:
    """Scan some of an event's tickets, slowly and then fast."""
    hall = open_hall(place)
    uvloop.run(fill(hall, tickets))
    warm = min(calm, 100)
    found = place.database.rows(CODES, hall.event, warm + calm + rush)
    codes = [encode_text(row["token"]) for row in found]
    with place.serve(hall, WORKERS) as port:
        scans = [_scan(hall, port, code) for code in codes]
        _green(uvloop.run(ask(port, scans[:warm], WORKERS * 2)))
        spent = uvloop.run(_calm(port, scans[warm : warm + calm]))
        bare = uvloop.run(_bare(hall, calm))
        begin = time.perf_counter()
        _green(uvloop.run(ask(port, scans[warm + calm :], CONNECTIONS)))
        rate = rush / (time.perf_counter() - begin)
    (used,) = place.database.rows(USED, hall.event)
    if used["used"] != len(codes):
        raise SystemExit(f"{len(codes)} scans, {used['used']} used tickets")
    return _told(spent, bare, rate, tickets)


def _told(spent: list[float], bare: list[float], rate: float, tickets: int) -> list[Row]:
    half, least = percentile(spent, 0.5), percentile(bare, 0.5)
    what = f"online redeem over HTTP, {tickets:,} tickets"
    beside = f"p99 {percentile(spent, 0.99):.1f} ms; a bare durable transaction {least:.1f} ms"
    return [
        Row(f"{what}, 50/s: median", half, "ms", 5, "at most", beside),
        Row(f"{what}: of a bare durable transaction", half / least, "times", 5, "at most"),
        Row(f"{what}, {CONNECTIONS} connections", rate, "/s", 500, "at least"),
    ]


def _scan(hall: Hall, port: int, code: str) -> bytes:
    body = msgspec.json.encode({"gate": 1, "code": code})
    return request("POST", f"{hall.path}/redeem", port, hall.bearer, body, "application/json")


async def _calm(port: int, scans: list[bytes]) -> list[float]:
    """Return how many milliseconds each scan took, sorted."""
    answers = await ask(port, scans, 1, EVERY)
    _green(answers)
    return sorted(answer.seconds * 1000 for answer in answers)


async def _bare(hall: Hall, count: int) -> list[float]:
    """Return how many milliseconds transactions took that insert one row, sorted."""
    pool = await open_pool(hall.settings.database_url, size=1)
    spent = []
    try:
        for number in range(count):
            begin = time.perf_counter()
            async with tenant_tx(pool, hall.tenant, WORKER, datetime.now(UTC)) as tx:
                await tx.conn.execute(INSERT, str(number))
            spent.append((time.perf_counter() - begin) * 1000)
    finally:
        await pool.close()
    return sorted(spent)


def _green(answers: list[Answer]) -> None:
    for answer in answers:
        if answer.status != 200 or b'"signal":"green"' not in answer.body:
            raise SystemExit(f"a scan was answered {answer.status} {answer.body!r}")


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
