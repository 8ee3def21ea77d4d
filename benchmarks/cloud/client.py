"""A client of HTTP that costs little, for it shares the cores with what it measures.

It sends requests that were made before over connections that stay open, reads each answer by
its Content-Length, and understands nothing else.

    answers = await ask(port, requests, connections=32)               # each as soon as it can
    answers = await ask(port, requests, connections=1, every=0.02)    # 50 a second
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

HEAD_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length: "


class Answer(NamedTuple):
    """What came back, and after how many seconds."""

    status: int
    body: bytes
    seconds: float


class Wire(asyncio.Protocol):
    """A connection, which carries one request at a time."""

    def __init__(self) -> None:
        self._out: asyncio.WriteTransport | None = None
        self._got = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return what is answered."""
        if self._out is None:
            raise ConnectionError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        begin = time.perf_counter()
        self._out.write(request)
        status, body = await self._answer
        return Answer(status, body, time.perf_counter() - begin)

    def hang_up(self) -> None:
        """Close the connection."""
        self._answer = None
        if self._out is not None:
            self._out.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._out = transport  # type: ignore[assignment]  # a TCP connection's can be written to

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._got += data
        end = self._got.find(HEAD_END)
        if end < 0 or self._answer is None:
            return
        begin = end + len(HEAD_END)
        at = self._got.index(LENGTH, 0, begin) + len(LENGTH)
        whole = begin + int(self._got[at : self._got.index(b"\r", at)])
        if len(self._got) >= whole:
            status, body = int(self._got[9:12]), self._got[begin:whole]
            self._got = self._got[whole:]
            self._answer.set_result((status, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what was asked."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server hung up"))


def request(
    method: str, path: str, port: int, authorization: str, body: bytes = b"", kind: str = ""
) -> bytes:
    """Return a request's bytes."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: {authorization}"
    if kind:
        head += f"\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}"
    return head.encode() + HEAD_END + body


async def ask(
    port: int, requests: Iterable[bytes], connections: int, every: float = 0.0
) -> list[Answer]:
    """Send all requests, as many at a time as there are connections; `every`: seconds between
    two of a connection, whatever the answer takes."""
    waiting = iter(requests)
    async with wires(port, connections) as lines:
        answered = await asyncio.gather(*(_line(line, waiting, every) for line in lines))
    return [answer for each in answered for answer in each]


async def _line(wire: Wire, waiting: Iterator[bytes], every: float) -> list[Answer]:
    answers: list[Answer] = []
    due = time.perf_counter()
    for each in waiting:
        if every:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due += every
        answers.append(await wire.ask(each))
    return answers


@asynccontextmanager
async def wires(port: int, count: int) -> AsyncIterator[list[Wire]]:
    """Open connections, and close them at the end."""
    loop = asyncio.get_running_loop()
    opening = [loop.create_connection(Wire, "127.0.0.1", port) for _ in range(count)]
    opened = [wire for _, wire in await asyncio.gather(*opening)]
    try:
        yield opened
    finally:
        for each in opened:
            each.hang_up()
