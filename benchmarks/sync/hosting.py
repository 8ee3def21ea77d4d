"""Gates of a LAN in a process of their own, told by lines of JSON what to scan.

python -m benchmarks.sync.hosting SETTINGS [SETTINGS ...]

Times are seconds of the machine's monotonic clock, which processes share.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec

from edge.gate.claiming import Claiming, Standing
from edge.gate.gate import Gate, open_gate
from edge.lan.running import running
from edge.settings import Settings
from shared.claims.owners import owners
from shared.log.record import Confirm, Kind, decode, record_id


class Asked(msgspec.Struct, frozen=True):
    """A line to this process: scan at one gate, or, of no gate, tell what was heard so far."""

    gate: int = -1
    text: str = ""


class Entry(msgspec.Struct, frozen=True):
    """An IN that a gate here has written or heard of."""

    record: str  # its id
    at: float
    own: bool
    agreed: bool  # the right's first owner granted it


class Told(msgspec.Struct, frozen=True):
    """A line from this process. `peers`: of the gate here that has fewest."""

    peers: int = 0
    code: str = ""  # of the verdict
    entries: tuple[Entry, ...] = ()
    claims: tuple[float, ...] = ()  # seconds of each that another gate was first owner of


class Hosted:
    """A gate, and what has happened at it."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.entries: list[Entry] = []
        self.claims: list[float] = []
        self._inner = gate.station.claim
        gate.station.claim = self.claim
        gate.ledger.listen(self.written)

    def claim(self, claiming: Claiming) -> Standing:
        """Claim, and note how long that took where another gate has to be asked."""
        begin = time.perf_counter()
        standing = self._inner(claiming)
        took = time.perf_counter() - begin
        first = owners(self.gate.held().roster.devices, 0, claiming.ticket)[0]
        if first != self.gate.me.device:
            self.claims.append(took)
        return standing

    def written(self, raws: Sequence[bytes], own: bool) -> None:
        """Note entries, once they are in the ledger."""
        at = time.monotonic()
        for raw in raws:
            if raw[1] == Kind.IN:
                bits = decode(raw).bits
                agreed = bits & 3 == Confirm.CLAIMED and not bits >> 6 & 1
                self.entries.append(Entry(record_id(raw).hex(), at, own, agreed))


async def serve(gates: Sequence[Gate]) -> None:
    """Run every gate's LAN, and answer lines until there are no more."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        lans = [await stack.enter_async_context(running(gate)) for gate in gates]
        hosted = [Hosted(gate) for gate in gates]
        lines: asyncio.Queue[bytes] = asyncio.Queue()
        threading.Thread(target=_read, args=(loop, lines), daemon=True).start()
        while line := await lines.get():
            asked = msgspec.json.decode(line, type=Asked)
            if asked.gate >= 0:
                scan = partial(hosted[asked.gate].gate.station.scan, asked.text, "north", "hand")
                told = Told(code=(await asyncio.to_thread(scan)).code)
            else:
                told = Told(
                    min(len(lan.peers.all()) for lan in lans if lan is not None),
                    entries=tuple(each for one in hosted for each in one.entries),
                    claims=tuple(each for one in hosted for each in one.claims),
                )
            sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
            sys.stdout.flush()


def _read(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[bytes]") -> None:
    while line := sys.stdin.buffer.readline():
        loop.call_soon_threadsafe(lines.put_nowait, line)
    loop.call_soon_threadsafe(lines.put_nowait, b"")


def main() -> None:
    """Open the gates and serve."""
    raws = [Path(each).read_bytes() for each in sys.argv[1:]]
    gates = [open_gate(msgspec.json.decode(raw, type=Settings)) for raw in raws]
    try:
        asyncio.run(serve(gates))
    finally:
        for each in gates:
            each.close()


if __name__ == "__main__":
    main()
