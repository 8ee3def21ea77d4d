"""Many gates: 200 of them at 33 scans a second in all, against one process of the cloud.

In real time, for two minutes; the ten minutes that were asked for by

    BENCH_SECONDS=600 python -m benchmarks sync.many

The gates are light ones (benchmarks/sync/light.py), all in one process beside the cloud's. Lag is
counted for each record: until the cloud has signed for it, and until each other gate has it.
"""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from typing import Final

import psutil
import uvloop

from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row, percentile
from benchmarks.sync import venue as places
from benchmarks.sync.light import Crowd, Lag, Light
from benchmarks.sync.upload import HASHES as HASHES_OF
from benchmarks.sync.venue import Venue, open_venue, published
from cloud.checkins import devices
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.working import utc_now

GATES: Final = 200
RATE: Final = 33.0  # scans a second
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "120"))
REST: Final = 60.0  # seconds after the last scan, until all is known everywhere
SWITCHED_ON: Final = 10.0  # seconds within which all gates are
FIFTH: Final = 0.2
GROWTH: Final = 1.2  # of the first fifth's lag, and noise
STORED: Final = "SELECT count(*) AS n FROM record WHERE event_ref = $1 AND kind = 1"


def rows_of(
    place: Place, gates: int = GATES, rate: float = RATE, seconds: float = SECONDS
) -> list[Row]:
    """Scan for some time, at one gate after the other."""
    with open_venue(place) as venue:
        scans = int(rate * seconds)
        uvloop.run(fill(venue.hall, scans))
        published(venue, scans)
        hashes = [row["hash"] for row in place.database.rows(HASHES_OF, venue.hall.event)]
        path = f"/v1/tenants/{venue.hall.tenant}"
        crowd = Crowd(venue.port, path, min(SWITCHED_ON, seconds), venue.ref, {}, [], [], {})
        busy = uvloop.run(_evening(venue, crowd, gates, hashes, seconds))
        stored = place.database.rows(STORED, crowd.event)[0]["n"]
    if stored != scans:
        raise SystemExit(f"{scans} scans, and {stored} in the database")
    signed, seen = _ends(crowd.signed), _ends(crowd.seen)
    asked = ", ".join(f"{name} {n / seconds:.0f}" for name, n in sorted(crowd.counts.items()))
    what = f"{gates} gates, {rate:.0f} scans/s for {seconds:.0f} s of real time"
    return [
        Row(f"{what}: signed for, last fifth, 95 of 100", signed[1], "s",
            GROWTH * signed[0], "at most",
            f"first fifth {signed[0]:.2f} s; the cloud's process used {busy:.0f} % of a core"),
        Row("known at each other gate, last fifth, 95 of 100", seen[1], "s",
            GROWTH * seen[0], "at most", f"first fifth {seen[0]:.2f} s; requests/s: {asked}"),
    ]  # fmt: skip


async def _evening(
    venue: Venue, crowd: Crowd, count: int, hashes: Sequence[bytes], seconds: float
) -> float:
    """Let all scan; return how busy the cloud's largest process was, in percent of a core."""
    gates = [Light(crowd) for _ in range(count)]
    await _register(venue, gates)
    living = [asyncio.create_task(gate.live()) for gate in gates]
    await asyncio.sleep(1.5 * crowd.start)  # all streams are open, and every BOOT is known
    crowd.signed.clear()
    crowd.seen.clear()
    crowd.counts.clear()
    servers = places.servers()
    before = [_spent(each) for each in servers]
    begin = time.monotonic()
    for number, ticket in enumerate(hashes):
        await asyncio.sleep(begin + number * seconds / len(hashes) - time.monotonic())
        random.choice(gates).scan(ticket)
        for each in living:
            if each.done():
                each.result()  # raises what it failed by
    took = time.monotonic() - begin
    busy = max(_spent(each) - was for each, was in zip(servers, before, strict=True))
    end = time.monotonic() + REST
    while len(crowd.signed) < len(hashes) or len(crowd.seen) < len(hashes) * (count - 1):
        if time.monotonic() > end:
            raise SystemExit(
                f"{len(crowd.signed)} of {len(hashes)} scans are signed for, "
                f"{len(crowd.seen)} of {len(hashes) * (count - 1)} known; {crowd.counts}"
            )
        await asyncio.sleep(0.1)
    for each in living:
        each.cancel()
    await asyncio.wait(living)
    await asyncio.sleep(0.1)  # connections end
    return 100 * busy / took


async def _register(venue: Venue, gates: Sequence[Light]) -> None:
    pool = await open_pool(venue.hall.settings.database_url, size=1)
    async with tenant_tx(pool, venue.hall.tenant, WORKER, utc_now()) as tx:
        for number, gate in enumerate(gates):
            await devices.register(tx, gate.public, f"gate {number}")
    await pool.close()


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _ends(lags: Sequence[Lag]) -> tuple[float, float]:
    """Return the 95th of 100 of the first fifth of the time and of the last."""
    first, last = min(lag.written for lag in lags), max(lag.written for lag in lags)
    fifth = FIFTH * (last - first)
    early = sorted(lag.seconds for lag in lags if lag.written <= first + fifth)
    late = sorted(lag.seconds for lag in lags if lag.written >= last - fifth)
    return percentile(early, 0.95), percentile(late, 0.95)


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
