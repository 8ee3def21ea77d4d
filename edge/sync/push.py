"""What the cloud lacks of the logs that are here: sent, and noted once the cloud has signed for it.

    pushing = Pushing(cloud, gate)
    await pushing.step()        # our own log first, then what we heard of others
    pushing.heard(vector)       # from gossip: how far the cloud says that it is

A step is safe to break off and to repeat: the cloud takes a record once. It reads at most one
file of the log at a time, whatever waits. What the cloud took and did not sign for (a device that
it does not list, a second history) is offered once in a run and stays unconfirmed.

Others' logs are passed on only if the cloud still lacks what was here some seconds ago: as a
rule their own gates are at it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Final, NamedTuple, TypeVar

import msgspec

from edge.gate.gate import Gate
from edge.gate.receipts import Receipts
from edge.sync.client import Cloud
from edge.sync.failures import Away, Denied, Garbled
from shared.bundle import Part, decode
from shared.errors import Malformed
from shared.log.gossip import Key, Mark
from shared.log.record import SIZE, record_hash
from shared.signed import CAPS, Kind
from shared.wire import FileTaken, unframed

# Bytes of a file. The cloud takes 4 MiB (spec/sync.md §4); in a quarter of that, requests cost
# nothing to speak of either, and less is in memory, or lost with a line that breaks.
LARGEST: Final = 1 << 20
SMALLEST: Final = 1 << 13  # a line may never last for more
FIRST: Final = 1 << 18
GRACE: Final = 10.0  # seconds in which a gate may send what it wrote by itself
QUICK: Final = 1.5  # seconds in which a file arrives that may be followed by a larger one
MOST_ANSWER: Final = CAPS[Kind.RECEIPT] + (1 << 20)  # bytes, with what it says of the file
TOO_MUCH: Final = frozenset({400, 413, 422})
NOWHERE: Final = Mark(0, b"")
CLOUD: Final = b"cloud"
T = TypeVar("T")
Vector = Mapping[Key, Mark]


class Sent(NamedTuple):
    """What a step sent."""

    files: int = 0
    records: int = 0


def unrelayed(_raw: bytes) -> None:
    """Pass a receipt on to nobody."""


class Pushing:
    """One device's uploads. Steps must not run side by side."""

    def __init__(
        self,
        cloud: Cloud,
        gate: Gate,
        pool: Executor | None = None,
        relay: Callable[[bytes], None] = unrelayed,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cloud = cloud
        self._gate = gate
        self._pool = pool
        self._relay = relay  # a receipt, to the neighbours whose records it may be about
        self._seconds = seconds
        self._receipts = Receipts(gate)
        self._most = FIRST
        self._offered: dict[Key, Mark] = {}  # what the cloud took in this run
        self._unlisted: set[bytes] = set()  # devices of which it takes nothing
        self._before: dict[Key, Mark] = {}  # what it should have by now
        self._renewed = -GRACE
        self._behind: dict[Key, Mark] = {}  # what it has instead

    def heard(self, theirs: Vector) -> None:
        """Take in how far the cloud says that it is; blocks for the disk. It may be less than it
        has signed for: its disk was lost, and brought back."""
        says = {key: theirs.get(key, NOWHERE) for key in self._before}
        self._behind = {k: mark for k, mark in says.items() if mark.seq < self._before[k].seq}
        self._offered = {k: mark for k, mark in self._offered.items() if k not in self._behind}
        if (now := self._seconds()) >= self._renewed + GRACE:
            self._before, self._renewed = self._due(), now

    async def step(self) -> Sent:
        """Send what the cloud lacks, until nothing is left. What fails is raised: `Failure`,
        `UsherError` or `StorageFailed`; whoever calls waits before the next step."""
        files = records = 0
        for own in (True, False):
            more = True
            while more:
                file, more = await self._blocking(partial(self._next, own=own))
                if count := await self._send(file):
                    files, records = files + 1, records + count
        return Sent(files, records)

    def _due(self) -> dict[Key, Mark]:
        """Return what the cloud should have in a while: of ours what it has signed for, of others
        what is here."""
        mine, me = self._gate.replica.vector(), self._gate.me.device
        signed = self._gate.stores.log.confirmed()
        return {key: mark for key, mark in (mine | signed).items() if key in signed or key[0] != me}

    def _next(self, *, own: bool) -> tuple[bytes, bool]:
        """Return the next file, and whether more is left behind it."""
        replica, me = self._gate.replica, self._gate.me.device
        theirs = self._gate.stores.log.confirmed() | self._behind
        for key, mark in self._offered.items():
            if mark.seq > theirs.get(key, NOWHERE).seq:
                theirs[key] = mark
        devices = {me} if own else {device for device, _ in self._behind} - {me}
        return replica.lacking(theirs, self._most, CLOUD, devices - self._unlisted)

    async def _send(self, file: bytes) -> int:
        """Send a file; return how many records it had."""
        ends, count = await self._blocking(partial(_ends, file))
        if not count:
            return 0
        since = self._seconds()
        try:
            answer = await self._cloud.post("/logs", file, MOST_ANSWER)
        except (Away, Denied) as error:
            if isinstance(error, Away) or error.status in TOO_MUCH:
                self._most = max(SMALLEST, self._most // 4)
            raise
        receipt, told = _answered(answer.body)
        await self._blocking(partial(self._receipts.take, receipt))
        self._relay(receipt)
        self._offered |= ends
        self._unlisted |= {bytes.fromhex(log.device) for log in told.devices if not log.listed}
        if self._seconds() - since < QUICK:
            self._most = min(LARGEST, self._most * 2)
        return count

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _answered(body: bytes) -> tuple[bytes, FileTaken]:
    """Return the receipt as signed, and what the cloud says of the file."""
    try:
        receipt, told = unframed(body, 2)
        return receipt, msgspec.json.decode(told, type=FileTaken)
    except (Malformed, msgspec.DecodeError, ValueError):
        raise Garbled("logs") from None


def _ends(file: bytes) -> tuple[dict[Key, Mark], int]:
    """Return the last record of each incarnation in a file, and how many records it has."""
    ends: dict[Key, Mark] = {}
    count = 0
    for part, content in decode(file)[1]:
        if part is Part.RECORDS:
            last = content[-SIZE:]
            key = last[4:20], int.from_bytes(last[20:24], "big")
            mark = Mark(int.from_bytes(last[24:32], "big"), record_hash(last))
            ends[key] = max(ends.get(key, NOWHERE), mark)
            count += len(content) // SIZE
    return ends, count
