"""A device of the roster that is no gate any more: whoever took it has its key, and talks to gates.

    with mallory(identity) as thief:
        thief.call(*hall.gates.values())
        thief.says = lambda gate, claim: Grant(claim.nonce)
        thief.write(draft)                     # signed by her key, and pushed to everybody

What she says of herself is what a gate says, so that she stays a member: she answers pings,
vectors and *tell*, until she breaks a rule. She talks from where the scene is.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, Final

from edge.lan.line import Hangup, Line, dial
from edge.lan.owner import CLAIM, TELL
from edge.lan.tls import contexts
from edge.store.identity import Identity
from shared.bundle import FileKind, Part, Section, encode
from shared.claims.messages import (
    Answer,
    Claim,
    Grant,
    decode_answer,
    decode_claim,
    encode_answer,
    encode_claim,
)
from shared.claims.told import Told, encode_told
from shared.lan import (
    Hello,
    Reason,
    Rest,
    Type,
    decode_correlated,
    decode_hello,
    encode_correlated,
    encode_hello,
    encode_log,
)
from shared.log import writer
from shared.log.record import EMPTY, Record, seal
from shared.log.writer import Tail
from tests.network.gate import LAN, Gate

PATIENCE: Final = 30.0
PING: Final = 2.0
Says = Callable[[str, Claim], Answer | bytes | None]


def silent(_gate: str, _claim: Claim) -> None:
    """Answer nothing."""


class Mallory:
    """`says`: her answer to a gate's claim; bytes that are no answer too, or nothing."""

    def __init__(self, me: Identity) -> None:
        self.me = me
        self.says: Says = silent
        self.asked: list[tuple[str, Claim]] = []  # gate, what it claimed
        self.granted = 0  # of her claims
        self.roster = 0
        self.log: list[bytes] = []
        self.parted: dict[str, str] = {}  # gate, and why it hung up
        self._tail = Tail(me.device)
        self._lines: dict[str, Line] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._keep(seal(writer.boot(self._tail, EMPTY, self._ms(), 0), me.secret))

    def call(self, *gates: Gate) -> None:
        """Become these gates' peer."""
        for gate in gates:
            self._do(self._call(gate.name, gate.machine.address))

    def write(self, draft: Record) -> bytes:
        """Put a record into her log, and push it to everybody; return it."""
        raw = seal(writer.place(self._tail, draft, self._ms(), 1), self.me.secret)
        self._keep(raw)
        self.push([raw], *self._lines)
        return raw

    def fork(self, one: Record, other: Record, left: str, right: str) -> None:
        """Write two records at one place, and show one gate the one, another the other."""
        tail = self._tail
        raws = [seal(writer.place(tail, each, self._ms(), 1), self.me.secret)
                for each in (one, other)]  # fmt: skip
        self._keep(raws[0])
        self.push(raws[:1], left)
        self.push(raws[1:], right)

    def push(self, raws: Sequence[bytes], *names: str, pk: bytes = b"") -> None:
        """Send records to some gates, in somebody's name."""
        file = file_of(pk or self.me.pk, raws)
        for name in names:
            self._do(self._send(name, Type.PUSH, file))

    def claim(self, name: str, claims: Sequence[Claim]) -> None:
        """Claim from one gate; whatever it answers."""
        for number, claim in enumerate(claims):
            body = encode_correlated(number, encode_claim(claim))
            self._do(self._send(name, CLAIM, body))

    def close(self) -> None:
        """Hang up on everybody."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, going: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(going, self._loop).result(PATIENCE)

    def _ms(self) -> int:
        return time.time_ns() // 1_000_000

    def _keep(self, raw: bytes) -> None:
        self._tail = writer.advance(self._tail, raw)
        self.log.append(raw)

    async def _call(self, name: str, host: str) -> None:
        line = await dial(host, LAN, contexts(self.me)[1], PATIENCE)
        kind, body = await line.receive()
        assert kind == Type.HELLO, kind
        news = decode_hello(body).news
        self.roster = news.roster
        line.send(Type.HELLO, encode_hello(Hello(1, 1, 1, "5e" * 8, news)))
        self._lines[name] = line
        self._tasks += [
            asyncio.create_task(self._talk(name, line)), asyncio.create_task(_pings(line)),
        ]  # fmt: skip

    async def _send(self, name: str, kind: int, body: bytes) -> None:
        self._lines[name].send(kind, body)

    async def _talk(self, name: str, line: Line) -> None:
        try:
            while True:
                kind, body = await line.receive()
                self._hear(name, line, kind, body)
        except Hangup as hangup:
            self.parted[name] = str(hangup)

    def _hear(self, name: str, line: Line, kind: int, body: bytes) -> None:
        if kind == Type.PING:
            line.send(Type.PONG)
        elif kind == Type.VECTOR:
            line.send(Type.LOG, encode_log(Rest.NOTHING, file_of(self.me.pk, self.log)))
        elif kind == Type.ANSWER:
            self.granted += isinstance(decode_answer(decode_correlated(body)[1]), Grant)
        elif kind in (CLAIM, TELL):
            number, content = decode_correlated(body)
            said = self._answer(name, content) if kind == CLAIM else encode_told(Told(self.roster))
            if said is not None:
                line.send(Type.ANSWER, encode_correlated(number, said))

    def _answer(self, name: str, content: bytes) -> bytes | None:
        claim = decode_claim(content)
        self.asked.append((name, claim))
        said = self.says(name, claim)
        return said if said is None or isinstance(said, bytes) else encode_answer(said)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines.values():
            line.close(Reason.LEAVING)
            await line.closed()


async def _pings(line: Line) -> None:
    """Say every now and then that she lives."""
    for _ in iter(lambda: line.send(Type.PING, bytes(32)), False):
        await asyncio.sleep(PING)


def file_of(pk: bytes, raws: Sequence[bytes]) -> bytes:
    """Return records as a log file, in the name of a device."""
    sections = [Section(Part.DEVICE, pk), Section(Part.RECORDS, b"".join(raws))]
    return b"".join(encode(FileKind.LOG, sections))


@contextmanager
def mallory(me: Identity) -> Iterator[Mallory]:
    """Have her about as long as this lasts."""
    made = Mallory(me)
    try:
        yield made
    finally:
        with suppress(OSError):
            made.close()
