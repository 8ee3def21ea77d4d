"""A gate that loads an event's list from nothing, as a process of its own.

python -m benchmarks.sync.loading SETTINGS

It prints one line of JSON: the seconds from its first request until the list is in force, the
tickets that are in it, and how many bytes its process grew by at the most meanwhile.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from edge.gate.gate import Gate, open_gate
from edge.settings import Settings
from edge.sync.client import Cloud
from edge.sync.pull import Pull
from tests.together.uploading import forget, memory


class Loaded(msgspec.Struct, frozen=True):
    """What it took."""

    seconds: float
    tickets: int
    names: int  # bytes of them, sealed
    grown: int  # bytes
    most: int  # bytes


async def load(gate: Gate) -> None:
    """Ask for keys, roster and lists, as the agent does when it first finds the cloud."""
    tenant = gate.held.trust.roster.tenant
    async with Cloud(gate.settings.cloud.origin, tenant, gate.me, gate.clock.stamp_ms) as cloud:
        pull = Pull(cloud, gate)
        state = await pull.state()
        for failed in (*await pull.lists(state), *await pull.events(state)):
            raise failed


def main() -> None:
    """Open the gate, load, and tell what that took."""
    settings = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings)
    gate = open_gate(settings)
    forget()
    before, begun = memory("VmRSS"), time.perf_counter()
    asyncio.run(load(gate))
    seconds, most = time.perf_counter() - begun, memory("VmHWM")
    (book,) = gate.held.trust.books.values()
    head = book.manifest.head
    chunks = [gate.stores.documents.chunk(bytes.fromhex(each)) for each in head.names if each]
    if None in chunks:
        raise SystemExit("not all names are here")
    names = sum(len(each or b"") for each in chunks)
    told = Loaded(seconds, book.manifest.table.tickets, names, most - before, most)
    sys.stdout.buffer.write(msgspec.json.encode(told))
    gate.close()


if __name__ == "__main__":
    main()
