"""What a gate loads before the doors open, from the database's rows (shared/manifest).

The rows of 100,000 tickets are read from PostgreSQL, become a manifest, and its head is signed:
after that its bytes are served as they lie. The field's open-source peer makes JSON of each
ticket at each download; the manifest has the fields of it that an offline gate decides by (which
ticket, class, generation, state, holder) in 29 bytes, without names. For the same fields as
JSON, names and all, an organizer's list of tickets is read over HTTP as well, page by page.
"""

import time
from typing import Any, Final, LiteralString

import msgspec
import uvloop

from benchmarks.cloud.client import request, wires
from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Hall, Place, open_hall, tell
from benchmarks.report import Row
from cloud.checkins.tickets import ticket
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.events.repository import plan_of
from cloud.working import utc_now
from shared import keys
from shared.manifest import build
from shared.manifest.head import seal_head

TICKETS: Final = 100_000
PAGES: Final = 50
PAGE: Final = 200  # tickets
PEER: Final = 460  # tickets a second: measured elsewhere, on the same kind of machine
DAY: Final = 86_400
SECRET: Final = keys.secret_key(bytes(31) + b"\2")
EVENT: Final[LiteralString] = """
    SELECT ref FROM event WHERE tenant_id = current_tenant() AND event_id = $1
"""
TICKET_ROWS: Final[LiteralString] = """
    SELECT ticket_id, hash, number, class_index, state, gen, blocked, holder, attendee, seat
      FROM ticket WHERE tenant_id = current_tenant() AND event_id = $1
"""


def rows_of(place: Place, tickets: int = TICKETS, pages: int = PAGES) -> list[Row]:
    """Make a manifest, and read a list."""
    hall = open_hall(place)
    uvloop.run(fill(hall, tickets))
    seconds, read, size = uvloop.run(_manifest(hall, tickets))
    with place.serve(hall, 1) as port:
        listed, spent, length = uvloop.run(_list(hall, port, pages))
    return [
        Row(f"manifest of {tickets:,} tickets, rows to signed bytes", tickets / seconds,
            "tickets/s", 50 * PEER, "at least",
            f"{read:.1f} of {seconds:.1f} s read the rows; {size / tickets:.0f} bytes a ticket"),
        Row("list of tickets as JSON over HTTP, in pages of 200", listed / spent, "tickets/s",
            10 * PEER, "at least", f"{length / listed:.0f} bytes a ticket"),
    ]  # fmt: skip


async def _manifest(hall: Hall, tickets: int) -> tuple[float, float, int]:
    """Return the seconds that a manifest takes, those of reading its rows, and its size."""
    pool = await open_pool(hall.settings.database_url, size=1)
    now = int(time.time())
    begin = time.perf_counter()
    async with tenant_tx(pool, hall.tenant, WORKER, utc_now()) as tx:
        ref = await tx.conn.fetchval(EVENT, hall.event)
        plan = await plan_of(tx, hall.event)
        rows = await tx.conn.fetch(TICKET_ROWS, hall.event)
    read = time.perf_counter() - begin
    table = build.table(ref, [record for row in rows if (record := ticket(row).listed())])
    head = build.head(table, plan, version=1, issued=now, expires=now + DAY, sales_end=now)
    sealed = seal_head(head, SECRET)
    seconds = time.perf_counter() - begin
    await pool.close()
    if table.tickets != tickets:
        raise SystemExit(f"{tickets} tickets, {table.tickets} in the manifest")
    return seconds, read, len(sealed) + sum(map(len, table.chunks))


async def _list(hall: Hall, port: int, pages: int) -> tuple[int, float, int]:
    """Return how many tickets were listed, in how many seconds, in how many bytes."""
    listed = length = 0
    cursor = ""
    begin = time.perf_counter()
    async with wires(port, 1) as (wire,):
        for _ in range(pages):
            path = f"{hall.path}/tickets?limit={PAGE}" + (f"&cursor={cursor}" if cursor else "")
            answer = await wire.ask(request("GET", path, port, hall.bearer))
            if answer.status != 200:
                raise SystemExit(f"a page was answered {answer.status} {answer.body!r}")
            page: dict[str, Any] = msgspec.json.decode(answer.body)
            listed += len(page["items"])
            length += len(answer.body)
            cursor = page["next"] or ""
            if not cursor:
                break
    return listed, time.perf_counter() - begin, length


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
