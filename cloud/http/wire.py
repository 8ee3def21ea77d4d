"""How bytes become requests: uvicorn's protocol, with an end to what comes before a request's body.

uvicorn keeps whatever a stranger calls a header, for as long as he takes to send it: a hundred
megabytes of short ones were two gigabytes of memory, before anybody was counted. Imported where
the processes are supervised, so litestar isn't (cloud/commands/supervisor.py).
"""

import asyncio
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cloud.http.catalogue import CATALOGUE
from cloud.http.joined import Joined

LONGEST: Final = 1 << 16  # bytes of a request's address and headers; unfinished, one reading more
SLOWEST: Final = 10.0  # seconds until they are here


class Overlong(Exception):
    """The head is longer than it may be."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _due: asyncio.TimerHandle | None = None
    _head = 0  # bytes of the address and the headers, and of trailers: they are kept as well
    _piece = 0  # bytes that are no whole part of a request yet
    _parsed = False  # whether what has just come ended a part
    _fault = "invalid_request"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.transport = Joined(transport, self.loop)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes; what the parser keeps of them for later is counted."""
        self._parsed = False
        super().data_received(data)
        self._piece = 0 if self._parsed else self._piece + len(data)
        if self._piece > LONGEST and not self.transport.is_closing():
            self._fault = "head_too_large"
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._head = 0
        self._wait()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head."""
        self._stop()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, which cloud/http/front.py counts."""
        self._parsed = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - it says less than our code
        """Refuse what is no request, and close."""
        entry = CATALOGUE[self._fault]
        said = {
            "type": f"/problems/{self._fault}",
            "title": entry.sentence,
            "status": entry.status,
            "code": self._fault,
        }
        body = msgspec.json.encode(said)
        head = (
            b"content-type: application/problem+json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n" % len(body)
        )
        self.transport.write(STATUS_LINE[entry.status] + head + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._parsed = True
        self._head += size
        if self._head > LONGEST:
            self._fault = "head_too_large"
            raise Overlong  # which ends the parsing, in send_400_response

    def _wait(self) -> None:
        self._stop()
        self._due = self.loop.call_later(SLOWEST, self.transport.close)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
