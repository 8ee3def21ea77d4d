"""One TLS connection as messages: bounded in size, time and memory in both directions.

    line.send(Type.PING, digest)          # never waits
    kind, body = await line.receive()     # raises `Hangup` with the reason that the peer is told
    line.close(Reason.LEAVING)

Nothing here knows who the other side is; what it may say is decided above.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Final

from edge.lan.tls import peer_key
from shared.errors import Malformed
from shared.lan import HEADER, Message, Reason, Type, decode_header, decode_reason, encode

HANDSHAKE_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 8.0  # a peer that lives says something every few seconds
BODY_SECONDS: Final = 5.0  # and one second more for each
BYTES_A_SECOND: Final = 1 << 16
STALLED_SECONDS: Final = 10.0
PARTING_SECONDS: Final = 1.0
MOST_UNSENT: Final = 1 << 23
LOW_WATER: Final = 1 << 16
NOTSENT_LOWAT: Final = 25  # Linux's TCP_NOTSENT_LOWAT, which Python does not name


class Hangup(Exception):
    """The connection is over. `told`: the reason that we give; None if they hung up."""

    def __init__(self, told: Reason | None, words: str) -> None:
        super().__init__(words)
        self.told = told


class Line:
    """Used by the event loop alone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        shown = writer.get_extra_info("ssl_object")
        self.pk: bytes | None = peer_key(shown)  # the key that the other side has proved to hold
        self._sent = 0
        self._moved = (0, self._loop.time())  # bytes that had left, and since when no more
        self.heard_at = self._loop.time()
        self.why: Reason | None = None  # why we hung up, once we have
        _tune(writer.get_extra_info("socket"))

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other side to read."""
        transport = self._writer.transport
        return 0 if transport.is_closing() else transport.get_write_buffer_size()

    @property
    def closing(self) -> bool:
        """Whether nothing more is said."""
        return self._writer.transport.is_closing()

    def send(self, kind: int, body: bytes = b"") -> bool:
        """Say something; whether it is on its way."""
        if self.closing:
            return False
        data = encode(kind, body)
        self._writer.write(data)
        self._sent += len(data)
        if self.unsent > MOST_UNSENT:
            self.close(Reason.TOO_SLOW)
        return not self.closing

    async def receive(self, within: float = IDLE_SECONDS) -> Message:
        """Return the next message, or raise `Hangup`."""
        try:
            async with asyncio.timeout(within):
                kind, length = decode_header(await self._reader.readexactly(HEADER.size))
            async with asyncio.timeout(BODY_SECONDS + length / BYTES_A_SECOND):
                body = await self._reader.readexactly(length)
        except TimeoutError:
            raise Hangup(Reason.TOO_SLOW, "nothing was heard for too long") from None
        except Malformed as error:
            raise Hangup(Reason.MALFORMED, str(error)) from None
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Hangup(None, f"gone: {error}") from None
        self.heard_at = self._loop.time()
        if kind == Type.BYE:
            raise Hangup(None, f"they hung up: {decode_reason(body).name.lower()}")
        return Message(kind, body)

    def stalled(self) -> bool:
        """Whether the other side has read nothing for too long of what waits for it."""
        unsent, now = self.unsent, self._loop.time()
        left = self._sent - unsent
        if left > self._moved[0] or not unsent:
            self._moved = left, now
        return now - self._moved[1] > STALLED_SECONDS

    def close(self, reason: Reason) -> None:
        """Say why, and hang up; what the other side does not take in a second is lost."""
        if self.why is None:
            self.why = reason
        if self.closing:
            return
        self._writer.write(encode(Type.BYE, bytes((reason,))))
        self._writer.close()
        self._loop.call_later(PARTING_SECONDS, self._writer.transport.abort)

    async def closed(self) -> None:
        """Wait until the connection is gone."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(2 * PARTING_SECONDS):
                await self._writer.wait_closed()


async def dial(host: str, port: int, context: ssl.SSLContext, within: float) -> Line:
    """Connect to an address; raises `OSError` (which `ssl.SSLError` and `TimeoutError` are)."""
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_connection(
            host,
            port,
            ssl=context,
            server_hostname="",
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=PARTING_SECONDS,
        )
    return Line(reader, writer)


async def answer(caller: socket.socket, context: ssl.SSLContext) -> Line:
    """Shake hands with whoever has called; raises `OSError`."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol,
        caller,
        ssl=context,
        ssl_handshake_timeout=HANDSHAKE_SECONDS,
        ssl_shutdown_timeout=PARTING_SECONDS,
    )
    return Line(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


def _tune(connected: socket.socket | None) -> None:
    """Keep the queue short in which a claim would wait behind a log."""
    if connected is not None:
        with suppress(OSError):  # a system that has no such option: slower, and no worse
            connected.setsockopt(socket.IPPROTO_TCP, NOTSENT_LOWAT, LOW_WATER)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
