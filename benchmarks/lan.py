"""21 gates on one LAN: how soon the others know of an admission, and how soon one answers.

All 21 are whole gates in one process and on one core, each connected with every other by TLS,
so that what one admission makes 20 others do is done one after the other: real gates, with a
processor each, are faster.
"""

import asyncio
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import msgspec

from benchmarks.report import Row, percentile
from edge.lan.peer import Peer
from tests.edge.lans import Venue, venue

GATES = 21
ADMISSIONS = 60
REQUESTS = 2000
REQUEST = 0x40
CLAIM = bytes(120)  # about as long as a claim of one right


async def joined(site: Venue) -> float:
    """Connect all with all; return the seconds that it took."""
    start = time.perf_counter()
    names = [*site.members]
    for one, other in combinations(names, 2):
        site.aim(one, other)
    await site.connected(*names)
    await site.alike()
    return time.perf_counter() - start


async def admissions(site: Venue) -> list[float]:
    """Scan at one gate after the other; return when each of the others knew, in ms, sorted."""
    took: list[float] = []
    for index in range(ADMISSIONS):
        name = [*site.members][index % GATES]
        await site.scan(name, "standing")
        start, held = time.perf_counter(), site[name].vector()
        waiting = [member for member in site if member is not site[name]]
        while waiting:
            knowing = [member for member in waiting if member.vector() == held]
            took += [1000 * (time.perf_counter() - start)] * len(knowing)
            waiting = [member for member in waiting if member not in knowing]
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
    return sorted(took)


async def requests(site: Venue) -> list[float]:
    """Return how long requests took that are answered at once, in ms, sorted."""

    async def answer(_peer: Peer, content: bytes) -> bytes:
        return content

    asker, asked = (site[name] for name in [*site.members][:2])
    asked.lan.on_request(REQUEST, answer)
    peer = asker.lan.peers.get(asked.device)
    if peer is None:
        raise SystemExit("two gates are not connected")
    took = []
    for _ in range(REQUESTS):
        start = time.perf_counter()
        if await peer.ask(REQUEST, CLAIM, within=1) != CLAIM:
            raise SystemExit("a request was not answered")
        took.append(1000 * (time.perf_counter() - start))
        await asyncio.sleep(0.003)  # a peer that asks more often than a gate can scan is cut off
    return sorted(took)


async def measured(folder: Path) -> list[Row]:
    """Return the rows."""
    async with venue(folder, *(f"Gate {index}" for index in range(GATES))) as site:
        seconds = await joined(site)
        seen, answered = await admissions(site), await requests(site)
    median = f"median {percentile(seen, 0.5):.2g} ms; all {GATES} in one process"
    back = f"median {percentile(answered, 0.5):.2g} ms; {GATES} met within {seconds:.2g} s"
    return [
        Row("admission known at 20 other gates: 95 of 100", percentile(seen, 0.95), "ms", 200,
            "at most", median),
        Row("question to another gate and back: 99 of 100", percentile(answered, 0.99), "ms", 15,
            "at most", back),
    ]  # fmt: skip


def main() -> None:
    """Print rows as JSON."""
    with tempfile.TemporaryDirectory(prefix="usher-") as name:
        rows = asyncio.run(measured(Path(name)))
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
