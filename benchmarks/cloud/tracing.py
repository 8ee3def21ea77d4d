"""Reading one ticket over HTTP from services that trace nothing, some requests, and all.

The cheapest request there is, so that what tracing adds to it is the largest share. All are asked
in turn, to and fro, by the same client: two of each kind, for two processes that do the same may
differ by a tenth. What counts is the processor time of the whole service, for the machine is not
ours alone. Each is one process that sends to a collector, which takes what comes and looks
at nothing. What a service without tracing pays for it is timed alone.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import uvloop

from benchmarks.cloud.client import request
from benchmarks.cloud.issuing import fill
from benchmarks.cloud.place import Hall, Place, open_hall, served, tell
from benchmarks.cloud.reading import SOME, read
from benchmarks.report import Row
from cloud.spans import NONE, asking
from tests.cloud.run.served import descendants

TICKETS: Final = 10_000
ROUNDS: Final = 10
EACH: Final = 250  # reads of one of them in a round
# Of the traces that are kept; None: it doesn't trace at all.
SHARES: Final[dict[str, float | None]] = {
    "off": None,
    "a twentieth": 0.05,
    "a tenth": 0.1,
    "all": 1.0,
}
NOTHINGS: Final = 20_000
FLUSH: Final = 6.0  # seconds


def rows_of(
    place: Place,
    tickets: int = TICKETS,
    rounds: int = ROUNDS,
    each: int = EACH,
    *,
    pairs: bool = True,
) -> list[Row]:
    """Read tickets from all of them; `pairs`: from two of each."""
    hall = open_hall(place)
    uvloop.run(fill(hall, tickets))
    ids = [row["ticket_id"] for row in place.database.rows(SOME, hall.event, each)]
    with ExitStack() as stack:
        url = stack.enter_context(_collector())
        services = [
            _Service(name, *_started(stack, _traced(hall, url, SHARES[name])))
            for name in (*SHARES, *(reversed(SHARES) if pairs else ()))
        ]
        asked = [
            [request("GET", f"{hall.path}/tickets/{ticket}", service.port, hall.bearer)
             for ticket in islice(cycle(ids), each)]
            for service in services
        ]  # fmt: skip
        turn = list(zip(services, asked, strict=True))
        for service, them in turn:
            read(service.port, them)  # warms up
        spent, cpu = dict.fromkeys(SHARES, 0.0), dict.fromkeys(SHARES, 0.0)
        for service in services:
            cpu[service.name] -= _cpu(service.pids)
        for _ in range(rounds):
            for service, them in turn:
                spent[service.name] += read(service.port, them)
            turn.reverse()
        time.sleep(FLUSH)  # what is kept back is sent, and counts
        for service in services:
            cpu[service.name] += _cpu(service.pids)
    count = (2 if pairs else 1) * rounds * each
    rates = {name: count / seconds for name, seconds in spent.items()}
    each_cpu = {name: 1000 * used / count for name, used in cpu.items()}
    nothing = 1000 * _nothing()
    return [
        *(
            Row(f"requests with {name} of the traces kept, for the same CPU",
                100 * each_cpu["off"] / each_cpu[name], "%", 90, "at least",
                f"{each_cpu[name]:.2f} ms each against {each_cpu['off']:.2f};"
                f" {rates[name]:,.0f}/s against {rates['off']:,.0f}/s")
            for name in list(SHARES)[1:]
        ),
        Row("what a request pays for tracing that is off", 100 * nothing / each_cpu["off"], "%",
            1, "at most", f"{1000 * nothing:.1f} µs of {1000 * each_cpu['off']:,.0f}"),
    ]  # fmt: skip


class _Service(NamedTuple):
    """A service, and all its processes."""

    name: str
    port: int
    pids: set[int]


def _started(stack: ExitStack, hall: Hall) -> tuple[int, set[int]]:
    before = descendants(os.getpid())
    port = stack.enter_context(served(hall, 1))
    return port, descendants(os.getpid()) - before


def _cpu(pids: set[int]) -> float:
    """Return the seconds of processor that some processes have used (proc(5), schedstat)."""
    tasks = [each for pid in pids for each in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks) / 1e9


def _traced(hall: Hall, url: str, share: float | None) -> Hall:
    told = {} if share is None else {"trace_url": url, "trace_share": share}
    return hall._replace(settings=msgspec.structs.replace(hall.settings, **told))


def _nothing() -> float:
    """Return the seconds that a request's calls take where nothing is traced: looks whether its
    own span, and those of its count and its four statements, are to be kept."""
    begin = time.process_time()
    for _ in range(NOTHINGS):
        with NONE as span:
            span.is_recording()
            for _ in range(5):
                with asking("part", {}):
                    pass
    return (time.process_time() - begin) / NOTHINGS


@contextmanager
def _collector() -> Iterator[str]:
    """Run a collector in a process of its own."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_collect, args=(there,))
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _collect(told: Connection) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as server:
        told.send(server.server_address[1])
        server.serve_forever()


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
