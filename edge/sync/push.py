"""What the cloud lacks of the logs that are here: sent, and noted once the cloud has signed for it.

    pushing = Pushing(cloud, gate)
    await pushing.step()        # our own log first, then what we heard of others
    await pushing.heard(vector) # from gossip: how far the cloud says that it is

A step is safe to break off and to repeat: the cloud takes a record once. It reads at most one
file of the log at a time, whatever waits.

Only a mark that the cloud has signed ends the offering of a record for good. What it took and did
not sign for (a second history), a device that it says it does not list, and what it refuses are
left alone for a while and then offered again: the rest of an answer is unsigned, and a receipt
may be an old one.

A file that is refused for what is in it is cut smaller, then sent device by device, and at last
passed over, so that it is in nobody's way. `Gate.refused` says so to its health.

All that is noted here is the event loop's: its values are replaced and never changed, so that a
thread that reads the disk for it may be handed them.

Others' logs are passed on only if the cloud still lacks what was here some seconds ago: as a
rule their own gates are at it. Of a device with two histories no vector says which of them the
cloud has: it is offered whatever the vector says, at the pace of edge/gate/walks.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor
from functools import partial
from typing import Final, NamedTuple, TypeVar

import msgspec

from edge.gate.gate import Gate
from edge.gate.receipts import Receipts
from edge.store.database import StorageFailed
from edge.sync.backoff import unmoved
from edge.sync.client import Cloud
from edge.sync.failures import Away, Denied, Failure, Garbled
from shared.bundle import Part, decode
from shared.errors import Malformed, UsherError
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
# For what is in it, or the cloud trips over it: the same again is refused, too.
REFUSED: Final = frozenset({400, 409, 413, 415, 422, 500})
FAULTS: Final = (Failure, UsherError, StorageFailed)  # after which a file is sent again
AGAIN: Final = 300.0  # seconds until what was taken without a mark, or refused, is offered again
MOST_REFUSED: Final = 4  # files of one device that are passed over in a step
NOWHERE: Final = Mark(0, b"")
CLOUD: Final = b"cloud"
TAKEN: Final = msgspec.json.Decoder(FileTaken)
LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")
Vector = Mapping[Key, Mark]


class Sent(NamedTuple):
    """What a step sent."""

    files: int = 0
    records: int = 0


def unrelayed(_raw: bytes) -> None:
    """Pass a receipt on to nobody."""


class Offered(NamedTuple):
    """How far something was offered, and until when (seconds) that is enough."""

    mark: Mark
    until: float


class Pushing:
    """One device's uploads. Steps must not run side by side."""

    def __init__(
        self,
        cloud: Cloud,
        gate: Gate,
        pool: Executor | None = None,
        relay: Callable[[bytes], None] = unrelayed,
        seconds: Callable[[], float] = time.monotonic,
        moved: Callable[[], None] = unmoved,
    ) -> None:
        self._cloud = cloud
        self._gate = gate
        self._pool = pool
        self._moved = moved  # called for each file that was taken
        self._relay = relay  # a receipt, to the neighbours whose records it may be about
        self._seconds = seconds
        self._receipts = Receipts(gate)
        self._most = FIRST
        self._offered: Mapping[Key, Offered] = {}  # what the cloud took, or refused
        self._unlisted: dict[bytes, float] = {}  # devices of which it takes nothing, until when
        self._alone: dict[bytes, float] = {}  # those that are sent in files of their own
        self._passed: dict[bytes, tuple[str, float]] = {}  # whose files were refused, and why
        self._before: Vector = {}  # what it should have by now
        self._renewed = -GRACE
        self._behind: Vector = {}  # what it has instead
        self._level: Vector = {}  # what it says that it has of others' logs beside
        self._forked: frozenset[bytes] = frozenset()  # devices with two histories, to be offered

    async def heard(self, theirs: Vector) -> None:
        """Take in how far the cloud says that it is. It may be less than it has signed for: its
        disk was lost, and brought back."""
        says = {key: theirs.get(key, NOWHERE) for key in self._before}
        self._behind = {k: mark for k, mark in says.items() if mark.seq < self._before[k].seq}
        me = self._gate.me.device  # of whose log its signature alone says what it has
        self._level = {k: m for k, m in theirs.items() if k[0] != me and k not in self._behind}
        self._offered = {k: each for k, each in self._offered.items() if k not in self._behind}
        if (now := self._seconds()) >= self._renewed + GRACE:
            self._renewed = now
            self._before = await self._blocking(self._due)
            self._forked = frozenset(device for device, _ in self._gate.ledger.forked())

    async def step(self) -> Sent:
        """Send what the cloud lacks, until nothing is left. What fails is raised: `Failure`,
        `UsherError` or `StorageFailed`; whoever calls waits before the next step. A refusal of
        what is in a file is raised at the end, once all else was sent."""
        self._forget()
        me, faults = self._gate.me.device, list[Denied]()
        sent = [await self._all({me}, faults)]
        others = self._forked.union(device for device, _ in self._behind) - {me}
        sent.append(await self._all(others - self._alone.keys(), faults))
        suspects = sorted(others & self._alone.keys())
        sent += [await self._all({device}, faults) for device in suspects]
        self._forked = frozenset()
        self._gate.refused = {device: code for device, (code, _) in self._passed.items()}
        if faults:
            raise faults[0]
        return Sent(sum(each.files for each in sent), sum(each.records for each in sent))

    async def _all(self, devices: AbstractSet[bytes], faults: list[Denied]) -> Sent:
        """Send what is left of these devices' logs, and go on behind what is refused."""
        files = records = passed = 0
        more = bool(devices)
        while more and passed < MOST_REFUSED:
            listed = devices - self._unlisted.keys()
            known = self._behind, self._level, self._offered
            file, more = await self._blocking(partial(self._next, listed, *known))
            try:
                count = await self._send(file)
                files, records = files + bool(count), records + count
            except FAULTS as error:
                more = True
                refused = error if isinstance(error, Denied) and error.status in REFUSED else None
                if refused and len(devices) == 1 and self._most == SMALLEST:
                    faults.append(refused)
                    passed += 1
                    await self._pass_over(file, refused.code)
                    continue
                await self._blocking(partial(self._gate.replica.lost, CLOUD))
                if not refused:
                    raise
                if not self._smaller():  # one of them is refused: each is sent by itself
                    self._alone |= dict.fromkeys(devices, self._seconds() + AGAIN)
                    break
        return Sent(files, records)

    def _smaller(self) -> bool:
        """Send less at once; return whether that was possible."""
        before, self._most = self._most, max(SMALLEST, self._most // 4)
        return self._most < before

    async def _pass_over(self, file: bytes, code: str) -> None:
        """Go on behind a file of one device that is refused."""
        ends, _ = await self._blocking(partial(_ends, file))
        until = self._seconds() + AGAIN
        self._offered = _offers(self._offered, ends, until)
        self._passed |= {device: (code, until) for device, _ in ends}
        LOG.warning("the cloud refuses records of %s: %s", [d.hex() for d, _ in ends], code)

    def _forget(self) -> None:
        """Let go of what has been left alone for long enough."""
        now = self._seconds()
        self._offered = {k: each for k, each in self._offered.items() if now < each.until}
        self._unlisted = {k: until for k, until in self._unlisted.items() if now < until}
        self._alone = {k: until for k, until in self._alone.items() if now < until}
        self._passed = {k: each for k, each in self._passed.items() if now < each[1]}

    def _due(self) -> dict[Key, Mark]:
        """Return what the cloud should have in a while: what it has signed for, and of others all
        that is here, if that is more."""
        mine, me = self._gate.replica.vector(), self._gate.me.device
        due = dict(self._gate.stores.log.confirmed())
        for key, mark in mine.items():
            if key[0] != me:
                due[key] = max(mark, due.get(key, NOWHERE))
        return due

    def _next(
        self,
        devices: AbstractSet[bytes],
        behind: Vector,
        level: Vector,
        offered: Mapping[Key, Offered],
    ) -> tuple[bytes, bool]:
        """Return the next file of these devices' logs, and whether more is left behind it."""
        theirs = {**self._gate.stores.log.confirmed(), **behind}
        for key, mark in (*level.items(), *((k, each.mark) for k, each in offered.items())):
            if mark.seq > theirs.get(key, NOWHERE).seq:
                theirs[key] = mark
        return self._gate.replica.lacking(theirs, self._most, CLOUD, devices)

    async def _send(self, file: bytes) -> int:
        """Send a file; return how many records it had."""
        ends, count = await self._blocking(partial(_ends, file))
        if not count:
            return 0
        since = self._seconds()
        try:
            answer = await self._cloud.post("/logs", file, MOST_ANSWER)
        except Away:
            self._smaller()
            raise
        receipt, told = _answered(answer.body)
        await self._blocking(partial(self._receipts.take, receipt))
        self._relay(receipt)
        self._moved()
        self._note(ends, told)
        if self._seconds() - since < QUICK:
            self._most = min(LARGEST, self._most * 2)
        return count

    def _note(self, ends: Vector, told: FileTaken) -> None:
        """Leave alone for a while what the cloud says that it took, or does not take."""
        until = self._seconds() + AGAIN
        self._offered = _offers(self._offered, ends, until)
        unlisted = (bytes.fromhex(each.device) for each in told.devices if not each.listed)
        self._unlisted |= dict.fromkeys(unlisted, until)

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _offers(before: Mapping[Key, Offered], ends: Vector, until: float) -> dict[Key, Offered]:
    """Return what was offered, and what is now where that goes further: of a second history the
    last file may end earlier."""
    known = {key: before[key].mark.seq for key in ends.keys() & before.keys()}
    further = {k: mark for k, mark in ends.items() if mark.seq > known.get(k, 0)}
    return {**before, **{key: Offered(mark, until) for key, mark in further.items()}}


def _answered(body: bytes) -> tuple[bytes, FileTaken]:
    """Return the receipt as signed, and what the cloud says of the file."""
    try:
        receipt, told = unframed(body, 2)
        return receipt, TAKEN.decode(told)
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
