"""Connections of clients: how many, how long they may dawdle, and what they hear when they garble.

uvicorn leaves three holes that anybody on the network could stand in: headers that never end,
a body that trickles on after its answer, and a handshake that is neither taken nor refused.
Each gets a deadline here. What uvicorn answers by itself gets our headers.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.server import ServerProtocol

from edge.web import problems
from edge.web.limits import Limits

OWN: Final = frozenset({"127.0.0.1", "::1"})
ENDLESS: Final = "/preview/"
HANDSHAKE_HEADERS: Final = 64
HANDSHAKE_LINE: Final = 4096  # below what the WebSocket library takes: it answers nothing to more


class GateConfig(Config):
    """uvicorn's configuration, and our limits."""

    limits: Limits


class GateConnection(H11Protocol):
    """One HTTP connection."""

    config: GateConfig

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client in, unless it or all of them have enough connections."""
        super().connection_made(transport)
        if self._crowded():
            transport.abort()  # a polite end would keep its place until the client agrees
            return
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._headers_are_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a request that began has to get its headers done."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await_headers()
        else:
            self._headers_are_there()

    def on_response_complete(self) -> None:
        """Go on to the next request, if this one ever ends."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(self.config.limits.body_seconds, self._body_is_due, self.cycle)

    def shutdown(self) -> None:
        """Let an answer under way finish, unless it is one that never ends."""
        cycle: Any = self.cycle  # none before the first request
        under_way = cycle is not None and not cycle.response_complete
        if under_way and not self.scope["path"].startswith(ENDLESS):
            super().shutdown()
        else:
            self.transport.abort()  # a polite end would wait for a client that may be asleep

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand over to a WebSocket what is a handshake."""
        self._headers_are_there()
        if event.method != b"GET" or self._unwieldy():
            self.send_400_response("")
            return
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and hang up."""
        del msg
        sent, content = problems.raw(400, "bad_request")
        start = h11.Response(status_code=400, headers=[*sent, (b"connection", b"close")])
        for event in (start, h11.Data(data=content), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _crowded(self) -> bool:
        """Whether there is no more room. Others can't keep this machine's own kiosk out."""
        limits, host = self.config.limits, self.client[0] if self.client else ""
        clients = [getattr(each, "client", None) for each in self.connections]
        own = [client for client in clients if client and client[0] == host]
        full = len(self.connections) > limits.connections and host not in OWN
        return full or len(own) > limits.connections_per_client

    def _unwieldy(self) -> bool:
        lines = [len(name) + len(value) for name, value in self.headers]
        return len(lines) > HANDSHAKE_HEADERS or max(lines, default=0) > HANDSHAKE_LINE

    def _await_headers(self) -> None:
        if self._headers_due is None:
            seconds = self.config.limits.header_seconds
            self._headers_due = self.loop.call_later(seconds, self.transport.abort)

    def _headers_are_there(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _body_is_due(self, cycle: object) -> None:
        if cycle is self.cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()


class GateSocket(WebSocketsSansIOProtocol):
    """One WebSocket."""

    config: GateConfig

    def __init__(self, config: Config, server_state: ServerState, **named: Any) -> None:
        super().__init__(config, server_state, **named)
        self.conn = Handshake(max_size=config.ws_max_size, logger=self.logger)
        self._handshake_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over from HTTP."""
        super().connection_made(transport)
        seconds = self.config.limits.header_seconds
        self._handshake_due = self.loop.call_later(seconds, self._shake_or_leave)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        if self._handshake_due is not None:
            self._handshake_due.cancel()
        super().connection_lost(exc)

    async def send(self, message: Any) -> None:
        """Send, unless the WebSocket is closed already, be it for what the client said.

        A handshake that was refused is over, too, and no fault to be logged.
        """
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def _shake_or_leave(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()


class Handshake(ServerProtocol):
    """The WebSocket library's part; a refusal of its own looks like every other."""

    def reject(self, status: Any, text: str) -> Response:
        """Return the answer to a handshake that can't be."""
        del text
        known, code = (500, "server_fault") if int(status) >= 500 else (400, "bad_request")
        sent, content = problems.raw(known, code)
        said = Headers([(name.decode(), value.decode()) for name, value in sent])
        said["Connection"] = "close"
        return Response(known, HTTPStatus(known).phrase, said, content)
