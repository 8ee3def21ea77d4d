"""A gate as the cloud sees it, and no more: so that two hundred of them need little of the cores
that they share with the cloud.

It has a key, writes chained and signed records, uploads them as log files, follows the stream, asks
for others' records by vector, polls and reports: with the paces of edge/sync/syncing.py. It keeps
its log in memory, and neither checks nor stores what others wrote, which gates do on machines of
their own.
"""

import asyncio
import os
import random
import re
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from benchmarks.cloud.client import HEAD_END, LENGTH, Answer, Wire, request
from edge.sync.backoff import Backoff, jittered
from edge.sync.syncing import GOSSIP, GOSSIP_GAP, POLL, PUSH_GAP, REPORT
from shared import hashing, keys
from shared.bundle import FileKind, Part, Section, decode, encode
from shared.devices.request import Request, body_hash, sign_request
from shared.log import writer
from shared.log.gossip import Key, Mark
from shared.log.record import EMPTY, SIZE, seal
from shared.log.writer import Tail
from shared.wire import Report, decode_vector, encode_vector, unframed
from tests.together.logs import entry

OCTETS: Final = "application/octet-stream"
BUSY: Final = 503
NO_BODY: Final = b"HTTP/1.1 204"
RECORDS: Final = re.compile(rb'"records":(\d+)')


class Lag(NamedTuple):
    """Of a record: when it was written, and how many seconds later something was so."""

    written: float
    seconds: float


class Crowd(NamedTuple):
    """What all gates share: where the cloud is, and what has been noted."""

    port: int
    tenant: str  # path
    start: float  # seconds within which all are switched on
    event: bytes
    written: dict[tuple[bytes, int], float]  # by device and seq
    signed: list[Lag]  # until the cloud has signed for it
    seen: list[Lag]  # until another gate has it
    counts: dict[str, int]  # requests by kind


class Connection(Wire):
    """A connection that knows that it was ended, as idle ones are."""

    lost = False

    def data_received(self, data: bytes) -> None:
        """Read an answer; one without a body says nothing of its length."""
        if data.startswith(NO_BODY):
            data = data.replace(HEAD_END, b"\r\n" + LENGTH + b"0" + HEAD_END, 1)
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Note it."""
        self.lost = True
        super().connection_lost(error)


class News(asyncio.Protocol):
    """A stream. `told` is called with how many records the cloud has."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._rest = b""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Read the events that are whole."""
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for found in filter(None, map(RECORDS.search, events)):
            self._told(int(found[1]))

    def connection_lost(self, _error: Exception | None) -> None:
        """End."""
        if not self.over.done():
            self.over.set_result(None)


class Light:
    """One gate."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self.secret = keys.secret_key(os.urandom(keys.SEED_SIZE))
        self.public = keys.public_key(self.secret)
        self.device = hashing.device_id(self.public)
        self._tail = Tail(self.device)
        self.waiting: list[bytes] = []
        self._vector: dict[Key, Mark] = {}
        self._wires: dict[str, Connection] = {}
        self._news, self._wrote = asyncio.Event(), asyncio.Event()
        self._known = 0
        self._write(seal(writer.boot(self._tail, EMPTY, _now_ms(), 0), self.secret))

    def scan(self, ticket: bytes) -> None:
        """Admit a ticket, by its id hash."""
        draft = entry(self._crowd.event, ticket)
        self._write(seal(writer.place(self._tail, draft, _now_ms(), 0), self.secret))

    async def live(self) -> None:
        """Go on until cancelled; gates are not all switched on in one instant."""
        await asyncio.sleep(self._crowd.start * random.random())
        try:
            async with asyncio.TaskGroup() as tasks:
                for each in (self._push, self._gossip, self._follow, self._poll, self._report):
                    tasks.create_task(each())
        finally:
            for wire in self._wires.values():
                wire.hang_up()

    def _write(self, raw: bytes) -> None:
        self._tail = writer.advance(self._tail, raw)
        self._crowd.written[self.device, self._tail.seq] = time.monotonic()
        self.waiting.append(raw)
        self._wrote.set()

    async def _push(self) -> None:
        while True:
            await self._wrote.wait()
            await asyncio.sleep(jittered(PUSH_GAP, random.random))
            self._wrote.clear()
            raws, self.waiting = self.waiting, []
            parts = [Section(Part.DEVICE, self.public), Section(Part.RECORDS, b"".join(raws))]
            file = b"".join(encode(FileKind.LOG, parts))
            receipt, _ = unframed(await self._ask("POST", "/logs", file, OCTETS), 2)
            if not receipt:
                raise SystemExit("an upload without a receipt")
            now = time.monotonic()
            for raw in raws:
                then = self._crowd.written[_place(raw)]
                self._crowd.signed.append(Lag(then, now - then))

    async def _gossip(self) -> None:
        path = f"/sync/gossip?events={self._crowd.event.hex()}"
        while True:
            try:
                async with asyncio.timeout(jittered(GOSSIP, random.random)):
                    await self._news.wait()
                await asyncio.sleep(jittered(GOSSIP_GAP, random.random))
            except TimeoutError:
                pass
            self._news.clear()
            vector, file = unframed(
                await self._ask("POST", path, encode_vector(self._vector | self._mine()), OCTETS), 2
            )
            self._vector = decode_vector(vector) | self._mine()
            now = time.monotonic()
            for part, content in decode(file)[1]:
                for first in range(0, len(content) * (part is Part.RECORDS), SIZE):
                    then = self._crowd.written[_place(content[first : first + SIZE])]
                    self._crowd.seen.append(Lag(then, now - then))

    def _mine(self) -> dict[Key, Mark]:
        return {(self.device, self._tail.incarnation): Mark(self._tail.seq, self._tail.hash)}

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            port = self._crowd.port
            way, news = await loop.create_connection(lambda: News(self._told), "127.0.0.1", port)
            try:
                way.write(self._signed("GET", "/sync/stream", b"", ""))
                await news.over
            finally:
                way.close()
            self._crowd.counts["ended"] = self._crowd.counts.get("ended", 0) + 1
            await asyncio.sleep(1.0)

    def _told(self, records: int) -> None:
        if records > self._known:
            self._news.set()
        self._known = records

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL * random.uniform(0.2, 1.8))
            await self._ask("GET", "/sync", b"", "")

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT * random.uniform(0.2, 1.8))
            said = Report(
                at=_now_ms(), software="bench", keyset=1, roster=1, obeyed=0, manifests=(),
                waiting=len(self.waiting), disk_free=1 << 33, clock="trusted", cameras=(),
                battery=None, on_power=None, peers=0, incarnation=1, locked="",
            )  # fmt: skip
            await self._ask("POST", "/sync/report", msgspec.json.encode(said), "application/json")

    async def _ask(self, method: str, path: str, body: bytes, kind: str) -> bytes:
        """Ask until it is answered: of a cloud that has too much to do, later again."""
        backoff = Backoff(random.random)
        while (answer := await self._asked(method, path, body, kind)).status == BUSY:
            self._crowd.counts["refused"] = self._crowd.counts.get("refused", 0) + 1
            await asyncio.sleep(backoff.failed())
        if answer.status not in (200, 204):
            raise SystemExit(f"{path} was answered {answer.status} {answer.body!r}")
        return answer.body

    async def _asked(self, method: str, path: str, body: bytes, kind: str) -> Answer:
        """Ask on the connection for this kind of question, or a new one."""
        what = path.partition("?")[0]
        self._crowd.counts[what] = self._crowd.counts.get(what, 0) + 1
        for _ in range(2):  # an idle connection may end just when it is used
            wire = self._wires.get(what)
            if wire is None or wire.lost:
                loop, port = asyncio.get_running_loop(), self._crowd.port
                _, wire = await loop.create_connection(Connection, "127.0.0.1", port)
                self._wires[what] = wire
            try:
                answer = await wire.ask(self._signed(method, path, body, kind))
            except ConnectionError:
                continue
            return answer
        raise SystemExit(f"{path} was not answered")

    def _signed(self, method: str, path: str, body: bytes, kind: str) -> bytes:
        port, target = self._crowd.port, self._crowd.tenant + path
        asked = Request(method, f"127.0.0.1:{port}", target, body_hash(body))
        header = sign_request(asked, self.secret, _now_ms(), os.urandom(16))
        return request(method, target, port, header, body, kind)


def _place(raw: bytes) -> tuple[bytes, int]:
    return raw[4:20], int.from_bytes(raw[24:32], "big")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
