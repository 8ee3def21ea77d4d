"""One peer on one connection: what it says is handled in the order in which it says it.

    peer = Peer(line, home, …)
    answer = await peer.ask(0x40, claim, within=0.15)   # None: no answer on this connection
    await peer.caught_up()                              # we have all that it had when asked
    await peer.run()                                    # until the line ends; raises `Hangup`

What came before an answer is on our disk, and counts, before the answer is handed over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from edge.lan.asking import Asking, bound
from edge.lan.documents import Documents
from edge.lan.exchange import MOST_UNREAD, Exchange
from edge.lan.home import Home
from edge.lan.line import Hangup, Line
from edge.lan.rules import Budget, Opened
from shared.errors import UsherError
from shared.lan import (
    REQUESTS,
    Hello,
    Message,
    Reason,
    Type,
    decode_digest,
    decode_news,
)

LOG: Final = logging.getLogger(__name__)
BYTES_A_UNIT: Final = 4096
UNITS: Final[
    Mapping[int, int]
] = {  # of documents, beside those of their size: what it costs to judge them
    Type.KEYSET: 100,
    Type.ROSTER: 100,
    Type.COMMAND: 100,
    Type.STAMP: 10,
    Type.RECEIPT: 10,
}
PASSING: Final = frozenset({Type.STAMP, Type.RECEIPT})  # newer ones say all that these do
MOST_DOCUMENTS: Final = 8  # of one peer that wait to be taken in

Handler = Callable[["Peer", bytes], Awaitable[bytes | None]]


class Peer:
    """`device` is who it is. Used by the event loop alone."""

    def __init__(
        self,
        line: Line,
        home: Home,
        documents: Documents,
        device: bytes,
        hello: Hello,
        opened: Opened,
        budget: Budget,
        handlers: Mapping[int, Handler],
        changed: Callable[[], None],
    ) -> None:
        self.device = device
        self.line = line
        self.opened = opened
        self.incarnation = hello.incarnation
        self.session = hello.session
        self.news = hello.news  # what it has in force, as far as it has said
        self.digest = b""  # of its vector, as far as it has said
        self._home = home
        self._documents = documents
        self._budget = budget
        self._asking = Asking(line, bound(handlers, self))
        self._changed = changed
        self._exchange = Exchange(line, home, device, self._spend)
        self._brought: asyncio.Queue[Message] = asyncio.Queue(MOST_DOCUMENTS)
        self._shown: dict[int, bytes] = {}
        self._loop = asyncio.get_running_loop()
        self._by_type: dict[int, Callable[[bytes], Awaitable[None]]] = {
            Type.ANSWER: self._answer,
            Type.PUSH: self._exchange.pushed,
            Type.VECTOR: self._exchange.asked,
            Type.LOG: self._exchange.answered,
            Type.WANT: self._exchange.wanted,
            Type.PING: self._ping,
            Type.PONG: self._pong,
            Type.NEWS: self._news,
        }

    async def ask(self, kind: int, content: bytes, within: float) -> bytes | None:
        """Return the answer to a request, None where none came on this connection in time."""
        return await self._asking.ask(kind, content, within)

    async def caught_up(self) -> bool:
        """Wait until we have all that the peer had when asked; whether it came to that."""
        return await self._exchange.pull.caught_up()

    def want(self) -> None:
        """Ask it soon for what we lack."""
        self._exchange.pull.want()

    def relay(self, kind: Type, raw: bytes) -> bool:
        """Pass on what the cloud signed; whether it is on its way. Some of it may be lost."""
        return self.line.unsent < MOST_UNREAD and self.line.send(kind, raw)

    def push(self, file: bytes) -> bool:
        """Send records just written; whether they are on their way. A peer that reads too slowly
        asks for them by itself."""
        return self._exchange.push(file)

    async def run(self) -> None:
        """Listen until the connection ends; raises `Hangup`."""
        runs = self._listen(), self._exchange.pull.run(), self._take_documents()
        parts = [asyncio.create_task(each) for each in runs]
        self.want()
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in parts:
                each.cancel()
            ended = await asyncio.gather(*parts, return_exceptions=True)
            await self._asking.end()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def hear_out(self) -> None:
        """Listen until we have all that it had when asked, then no more; raises `Hangup`."""
        listening = asyncio.create_task(self.run())
        try:
            await self.caught_up()
        finally:
            listening.cancel()
            [ended] = await asyncio.gather(listening, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended

    async def _listen(self) -> None:
        while True:
            kind, body = await self.line.receive()
            self._changed()
            if self.line.closing:
                raise Hangup(None, "hung up meanwhile")
            try:
                self._charge(kind, body)
                await self._handle(kind, body)
            except UsherError as error:
                raise Hangup(Reason.MALFORMED, str(error)) from None

    def _charge(self, kind: int, body: bytes) -> None:
        """Take the cost of a message off what this peer may ask of us."""
        if kind != Type.LOG:  # which we asked for
            self._spend(1 + len(body) / BYTES_A_UNIT + UNITS.get(kind, 0))

    def _spend(self, units: float) -> None:
        if not self._budget.spend(units, self._loop.time()):
            raise Hangup(Reason.FLOOD, "more than a peer may send")

    async def _ping(self, body: bytes) -> None:
        self.digest = decode_digest(body)
        self.line.send(Type.PONG)

    async def _news(self, body: bytes) -> None:
        self.news = decode_news(body)
        self.show_newer()

    async def _pong(self, _body: bytes) -> None:
        """It lives: that something came is noted by the line."""

    async def _answer(self, body: bytes) -> None:
        self._asking.answered(body)

    async def _handle(self, kind: int, body: bytes) -> None:
        handle = self._by_type.get(kind)
        if handle is not None:
            await handle(body)
        elif kind in REQUESTS:
            self._asking.requested(kind, body)
        elif kind in UNITS:
            self._bring(Message(kind, body))
        else:
            raise Hangup(Reason.MALFORMED, f"a message of type {kind:#x} out of its turn")

    def _bring(self, document: Message) -> None:
        """Have a document taken in while records and claims go on: it may have to wait for a
        delivery by hand."""
        try:
            self._brought.put_nowait(document)
        except asyncio.QueueFull:
            if document.type in PASSING:
                return
            raise Hangup(Reason.FLOOD, "more documents than there can be") from None

    async def _take_documents(self) -> None:
        while True:
            await self._documents.take(*await self._brought.get())

    def show_newer(self) -> None:
        """Send what is newer here than there, once: what it can't take yet it can't take twice."""
        for kind, raw in self._documents.newer_than(self.news):
            if self._shown.get(kind) != raw:
                self._shown[kind] = raw
                self.line.send(kind, raw)
