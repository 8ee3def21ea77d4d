"""Reading one ticket over HTTP, beside a bare handler (benchmarks/cloud/bare.py).

Both are asked in turn by the same client, each as one process with the same settings of uvicorn,
so that the machine's noise hits both alike.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Final

import uvloop

from benchmarks.cloud.client import ask, request
from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Hall, Place, open_hall, process, served, tell
from benchmarks.report import Row
from cloud.commands.serve import environment
from cloud.embedded.ports import free_port

TICKETS: Final = 10_000
ROUNDS: Final = 20
EACH: Final = 250  # reads of one of the two in a round
CONNECTIONS: Final = 8
SOME: Final = "SELECT ticket_id FROM ticket WHERE event_id = $1 ORDER BY ticket_id LIMIT $2"
# What `usher-cloud serve` tells uvicorn (cloud/commands/supervisor.py).
UVICORN: Final = (
    "--factory", "--loop", "uvloop", "--no-access-log", "--no-server-header",
    "--no-proxy-headers", "--timeout-keep-alive", "30", "--log-level", "warning",
)  # fmt: skip


def rows_of(
    place: Place, tickets: int = TICKETS, rounds: int = ROUNDS, each: int = EACH
) -> list[Row]:
    """Read tickets from both."""
    hall = open_hall(place)
    uvloop.run(fill(hall, tickets))
    ids = [row["ticket_id"] for row in place.database.rows(SOME, hall.event, each)]
    with served(hall, 1) as ours, _bare(hall) as bare:
        spent = {ours: 0.0, bare: 0.0}
        asked = {
            port: [request("GET", f"{hall.path}/tickets/{ticket}", port, hall.bearer)
                   for ticket in islice(cycle(ids), each)]
            for port in spent
        }  # fmt: skip
        for port in spent:
            read(port, asked[port])  # warms up
        for _ in range(rounds):
            for port in spent:
                spent[port] += read(port, asked[port])
    share = 100 * spent[bare] / spent[ours]
    count = rounds * each
    return [
        Row("read one ticket over HTTP, share of a bare handler", share, "%", 70, "at least",
            f"{count / spent[ours]:,.0f}/s against {count / spent[bare]:,.0f}/s"),
    ]  # fmt: skip


def read(port: int, asked: list[bytes]) -> float:
    """Read tickets over HTTP; return how long it took to read all."""
    begin = time.perf_counter()
    answers = uvloop.run(ask(port, asked, CONNECTIONS))
    seconds = time.perf_counter() - begin
    for answer in answers:
        if answer.status != 200 or b'"state":"active"' not in answer.body:
            raise SystemExit(f"a read was answered {answer.status} {answer.body!r}")
    return seconds


@contextmanager
def _bare(hall: Hall) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.cloud.bare:factory",
               "--port", str(port), *UVICORN]  # fmt: skip
    with process(command, port, environment(hall.settings), hall.place.folder):
        yield port


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
