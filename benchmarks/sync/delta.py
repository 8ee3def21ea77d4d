"""Delta: a ticket is sold at the cloud, until the list of a connected gate has it.

A buyer's order over HTTP, at an event with 100,000 tickets; the worker publishes the next version,
the gate's stream tells of it, and the gate asks for the change. Counted from the moment at which
the buyer is answered. Sales come at random, half a second apart at the least: a list is published
no more often than every 0.15 s, and what is sold meanwhile comes together.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec
import uvloop

from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row, percentile
from benchmarks.sync.following import Known
from benchmarks.sync.venue import Door, Venue, join, logged, open_venue, published
from tests.cloud.service import good

TICKETS: Final = 100_000
SALES: Final = 50
PAUSE: Final = 0.5  # seconds, and up to as many more
HASHES: Final = "SELECT hash FROM ticket WHERE order_id = $1::text::uuid"
FIRST: Final = "SELECT hash FROM ticket WHERE event_id = $1 AND token IS NOT NULL LIMIT 1"


class Sale(NamedTuple):
    """Milliseconds from the buyer's answer until the gate asks, has the answer, knows it; and
    those that the order itself took before."""

    asked: float
    came: float
    known: float
    order: float


class Follower:
    """A gate's process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def knows(self, ticket: bytes) -> Known:
        """Wait until it knows a ticket; return when."""
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit("a process without a way in and out")
        self._process.stdin.write(msgspec.json.encode(ticket.hex()) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Known)


@contextmanager
def following(door: Door) -> Iterator[Follower]:
    """Run a gate beside its cloud."""
    command = [sys.executable, "-m", "benchmarks.sync.following", str(door.file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Follower(process)


def rows_of(place: Place, tickets: int = TICKETS, sales: int = SALES) -> list[Row]:
    """Sell one ticket after the other."""
    with open_venue(place, sales) as venue:
        uvloop.run(fill(venue.hall, tickets))
        published(venue, tickets)
        with following(join(venue, "north")) as gate:
            gate.knows(place.database.rows(FIRST, venue.hall.event)[0]["hash"])
            time.sleep(1.0)  # its stream is open by now
            begun = venue.log.stat().st_size
            sold = [_sell(venue, gate) for _ in range(sales)]
        published(venue, tickets + sales)
        spent = [1000 * each for each in logged(venue.log, begun, "published")]
    known = sorted(each.known for each in sold)
    parts = (
        f"median {percentile(known, 0.5):.0f} ms: {_median([s.asked for s in sold]):.0f} until "
        f"the gate asks, {_median([s.came - s.asked for s in sold]):.0f} the answer, "
        f"{_median([s.known - s.came for s in sold]):.0f} to put it in force; the order before "
        f"it {_median([s.order for s in sold]):.0f}; publishing {_median(spent):.0f}"
    )
    return [
        Row(f"a sale in a connected gate's list of {tickets:,}: 95 of 100",
            percentile(known, 0.95), "ms", 300, "at most", parts),
    ]  # fmt: skip


def _sell(venue: Venue, gate: Follower) -> Sale:
    time.sleep(PAUSE * random.uniform(1, 2))
    hall = venue.hall
    wanted = {"event_id": str(hall.event), "items": [{"class_index": 0, "quantity": 1}]}
    begin = time.monotonic()
    order = good(venue.owner.post(f"/v1/tenants/{hall.tenant}/orders", json=wanted), 201)
    sold = time.monotonic()
    ((ticket,),) = venue.place.database.rows(HASHES, order["order_id"])
    found = gate.knows(ticket)
    since = (found.asked - sold, found.came - sold, found.known - sold, sold - begin)
    return Sale(*(1000 * each for each in since))


def _median(values: list[float]) -> float:
    return percentile(sorted(values), 0.5)


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
