"""Upload: 50,000 records that wait on a gate's disk, until the cloud has merged them.

Each record admits another ticket of the event, so each also moves a ticket to `used` in the cloud.
The gate is a process that opens its folder and sends; the cloud is `usher-cloud serve` with one
process, and `usher-cloud work`, which merges while more comes in. Before it another gate sends a
quarter as many: so it shows whether memory grows with what waits.
"""

import random
import subprocess
import sys
import time
from typing import Final, NamedTuple

import msgspec
import uvloop

from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row
from benchmarks.sync import venue as places
from benchmarks.sync.sending import Sending
from benchmarks.sync.venue import Door, Venue, join, logged, open_venue, published, until
from cloud.checkins.view import view_of
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.working import utc_now
from edge.gate.gate import open_gate
from edge.gate.ledger import Line
from tests.together.logs import entry

RECORDS: Final = 50_000
AT_ONCE: Final = 1_000
HASHES: Final = "SELECT hash FROM ticket WHERE event_id = $1 ORDER BY number"
DUE: Final = "SELECT count(*) AS due FROM merges_due()"
STORED: Final = """
    SELECT (SELECT count(*) FROM record WHERE event_ref = $2 AND kind = 1) AS records,
           (SELECT count(*) FROM ticket WHERE event_id = $1 AND state = 'used') AS used
"""
MEGABYTES: Final = 64  # that either side may grow by: a few files, whatever waits


class Sent(NamedTuple):
    """What it took: seconds, and the bytes that each side's process grew by at its worst."""

    stored: float
    answering: float  # of these, until the cloud's answers
    merged: float
    gate: int
    cloud: int


def rows_of(place: Place, records: int = RECORDS) -> list[Row]:
    """Let a gate send a quarter of it, and another one all of it."""
    quarter = records // 4
    with open_venue(place) as venue:
        uvloop.run(fill(venue.hall, records + quarter))
        published(venue, records + quarter)
        hashes = [row["hash"] for row in place.database.rows(HASHES, venue.hall.event)]
        random.Random(records).shuffle(hashes)  # as a crowd comes: in no order of its tickets
        few = _sent(venue, "south", hashes[:quarter])
        begun = venue.log.stat().st_size
        many = _sent(venue, "north", hashes[quarter:])
        merges = logged(venue.log, begun, "merged")
        anew = uvloop.run(_anew(venue, venue.ref))
        (stored,) = place.database.rows(STORED, venue.hall.event, venue.ref)
        if not stored["records"] == stored["used"] == anew[1] == len(hashes):
            raise SystemExit(f"{len(hashes)} entries, {anew[1]} people, in the database {stored}")
    grown = max(many.gate, 1) / 1e6
    return [
        Row(f"{records:,} waiting records sent and signed for", many.stored, "s", 5, "at most",
            f"{records / many.stored:,.0f}/s, {many.answering:.1f} s until the cloud's answers; "
            f"{quarter:,} in {few.stored:.1f} s"),
        Row("and in the cloud's merged view", many.merged, "s", 5, "at most",
            f"by a worker beside it, {len(merges)} merges of {sum(merges):.1f} s; "
            f"all {len(hashes):,} anew by itself {anew[0]:.1f} s"),
        Row("the gate's process grew by", grown, "MB", MEGABYTES, "at most",
            f"{few.gate / 1e6:.1f} MB with {quarter:,}"),
        Row("the cloud's process grew by", many.cloud / 1e6, "MB", MEGABYTES, "at most",
            f"{few.cloud / 1e6:.1f} MB with {quarter:,}, which came first"),
    ]  # fmt: skip


def _sent(venue: Venue, name: str, hashes: list[bytes]) -> Sent:
    door = join(venue, name)
    command = [sys.executable, "-m", "benchmarks.sync.loading", str(door.file)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    _admit(door, venue.ref, hashes)
    processes = places.servers()
    places.forget_most(processes)
    before = places.most_memory(processes)
    command = [sys.executable, "-m", "benchmarks.sync.sending", str(door.file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        told, merged = _followed(venue, process)
    if told.waiting or told.records < len(hashes):
        raise SystemExit(f"{len(hashes)} records to send, and {told}")
    grown = places.most_memory(processes) - before
    return Sent(told.ended - told.begun, told.answering, merged - told.begun, told.grown, grown)


def _followed(venue: Venue, process: "subprocess.Popen[bytes]") -> tuple[Sending, float]:
    """Return what the gate tells at its end, and when everything was merged."""
    out = process.stdout.readline() if process.stdout else b""
    told = msgspec.json.decode(out, type=Sending)
    until(lambda: not venue.place.database.rows(DUE)[0]["due"], "the merge")
    return told, time.monotonic()


def _admit(door: Door, event: bytes, hashes: list[bytes]) -> None:
    """Write an entry for each ticket, as a gate does that the cloud is out of reach of."""
    gate = open_gate(door.settings)
    for first in range(0, len(hashes), AT_ONCE):
        some = hashes[first : first + AT_ONCE]
        gate.ledger.append([Line(entry(event, ticket)) for ticket in some])
    gate.close()


async def _anew(venue: Venue, ref: bytes) -> tuple[float, int]:
    """Return how long merging everything anew takes, and how many people are inside then."""
    pool = await open_pool(venue.hall.settings.database_url, size=1)
    begin = time.perf_counter()
    async with tenant_tx(pool, venue.hall.tenant, WORKER, utc_now()) as tx:
        present = (await view_of(tx, ref)).present(ref, 1)
    seconds = time.perf_counter() - begin
    await pool.close()
    return seconds, present


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
