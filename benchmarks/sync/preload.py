"""Preload: a gate that knows nothing asks the cloud for an event's whole list, over loopback.

The cloud is `usher-cloud serve` with one process, beside a worker; the gate is a process with its
own store, whose disk is synced as always. Bytes are counted by a cable between the two: requests,
answers and their headers. First without names, then with a name for each ticket, then with a name
and a seat.

BENCH_TICKETS=1000000 python -m benchmarks sync.preload      # a million: some minutes
"""

import os
import subprocess
import sys
from typing import Final

import msgspec
import uvloop

from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row
from benchmarks.sync.loading import Loaded
from benchmarks.sync.meter import Meter
from benchmarks.sync.venue import Venue, join, open_venue, published

TICKETS: Final = int(os.environ.get("BENCH_TICKETS", "100000"))
# In pieces, for each statement is one transaction.
NAME: Final = """
    UPDATE ticket SET attendee =
           (ARRAY['Anna','Maximilian','Zoe','Christine','Tom','Sebastian','Ida','Mohammed'])
               [1 + number % 8] || ' ' ||
           (ARRAY['Schneider','Li','Garcia Lopez','Kowalski','Oliveira','Ng','Petersen','Smith'])
               [1 + number / 8 % 8]
     WHERE event_id = '{}' AND number >= {} AND number < {}
"""
SEAT: Final = """
    UPDATE ticket SET seat = 'Block ' || chr(65 + number % 6) || ', row ' || number / 40
                          || ', seat ' || number % 40
     WHERE event_id = '{}' AND number >= {} AND number < {}
"""
PIECE: Final = 50_000
NAMED: Final = 10  # bytes of a ticket's sealed name, at the least; a single one says: none
SECONDS: Final = 3.0  # asked for 100,000 tickets; of a million, 30
MEGABYTES: Final = {False: 3.0, True: 9.0}  # without and with sealed names


def rows_of(place: Place, tickets: int = TICKETS, rounds: int = 3) -> list[Row]:
    """Load a list several times, each by another new gate; the median counts."""
    with open_venue(place) as venue, Meter(venue.port) as meter:
        uvloop.run(fill(venue.hall, tickets))
        published(venue, tickets)
        rows = _loads(venue, meter, tickets, rounds, "without names")
        for what, update in (("with names", NAME), ("with names and seats", SEAT)):
            for first in range(0, tickets + 1, PIECE):
                place.database.run(update.format(venue.hall.event, first, first + PIECE))
            published(venue, tickets)
            rows += _loads(venue, meter, tickets, rounds, what)
    return rows


def _loads(venue: Venue, meter: Meter, tickets: int, rounds: int, what: str) -> list[Row]:
    told, named = [], what != "without names"
    for number in range(rounds):
        door = join(venue, f"gate-{len(what)}-{number}", f"http://127.0.0.1:{meter.port}")
        meter.take()
        command = [sys.executable, "-m", "benchmarks.sync.loading", str(door.file)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        loaded = msgspec.json.decode(done.stdout, type=Loaded)
        if loaded.tickets != tickets or (loaded.names > NAMED * tickets) != named:
            raise SystemExit(f"{tickets} tickets, and the gate has {loaded}")
        told.append((loaded.seconds, meter.take(), loaded))
    told.sort(key=lambda each: each[0])
    seconds, wire, loaded = told[len(told) // 2]
    share = tickets / 100_000
    memory = f"the gate's process grew by {loaded.grown / 1e6:.0f} MB to {loaded.most / 1e6:.0f}"
    each = f"{wire / tickets:.1f} bytes a ticket"
    limit = SECONDS * max(share, 0.1)
    return [
        Row(f"preload {tickets:,} tickets, cold, {what}", seconds, "s", limit, "at most",
            f"{memory}; {told[0][0]:.2f} to {told[-1][0]:.2f} s in {rounds}"),
        Row("on the wire", wire / 1e6, "MB", MEGABYTES[named] * max(share, 0.1), "at most", each),
    ]  # fmt: skip


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
