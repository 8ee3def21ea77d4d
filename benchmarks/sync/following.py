"""A gate that is kept together with the cloud as its agent does, and tells when it knows a ticket.

python -m benchmarks.sync.following SETTINGS

For each line of JSON (a ticket's id hash in hex) it answers with one, once its list has the
ticket. Times are seconds of the machine's monotonic clock, which processes share.
"""

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import uvloop

from edge.gate.gate import Gate, open_gate
from edge.settings import Settings
from edge.sync.client import Answer, Cloud
from edge.sync.running import THREADS
from edge.sync.syncing import Syncing

LOOK = 0.001  # seconds


class Known(msgspec.Struct, frozen=True):
    """When the change was asked for, when it had come, and when the list in force had it."""

    asked: float
    came: float
    known: float


class Timed(Cloud):
    """Notes when the last change of a list was asked for, and when it had come."""

    asked = came = 0.0

    async def get(self, path: str, most: int, *, signed: bool = True) -> Answer:
        """Ask as always."""
        begin = time.monotonic()
        answer = await super().get(path, most, signed=signed)
        if "/delta?" in path:
            self.asked, self.came = begin, time.monotonic()
        return answer


async def follow(gate: Gate) -> None:
    """Keep the gate together with the cloud until there are no more lines."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    threading.Thread(target=_read, args=(loop, lines), daemon=True).start()
    tenant, origin = gate.held.trust.roster.tenant, gate.settings.cloud.origin
    with ThreadPoolExecutor(THREADS, "sync") as pool:
        cloud = Timed(origin, tenant, gate.me, gate.clock.stamp_ms)
        async with cloud:
            going = asyncio.create_task(Syncing(gate, cloud, pool).run())
            while line := await lines.get():
                ticket = bytes.fromhex(msgspec.json.decode(line, type=str))
                while not _known(gate, ticket):  # noqa: ASYNC110  as a lane finds it
                    await asyncio.sleep(LOOK)
                told = Known(cloud.asked, cloud.came, time.monotonic())
                sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
                sys.stdout.flush()
            going.cancel()
            await asyncio.wait({going})


def _known(gate: Gate, ticket: bytes) -> bool:
    return any(book.find(ticket) for book in gate.held.trust.books.values())


def _read(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[bytes]") -> None:
    while line := sys.stdin.buffer.readline():
        loop.call_soon_threadsafe(lines.put_nowait, line)
    loop.call_soon_threadsafe(lines.put_nowait, b"")


def main() -> None:
    """Open the gate and follow."""
    gate = open_gate(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings))
    try:
        uvloop.run(follow(gate))
    finally:
        gate.close()


if __name__ == "__main__":
    main()
