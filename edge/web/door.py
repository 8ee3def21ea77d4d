"""What stands before every route: the name we are called by, deadlines, headers, last resorts.

- Headers have a size; the server underneath counts only those that come in pieces.
- A request for a host that is not ours is turned away (421): a page elsewhere whose name was
  made to point at us must not be taken for one of ours.
- A body has a deadline; its size is counted where it is read.
- Every response carries the security headers.
- A WebSocket that is refused gets a problem like any other request.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from edge.web import headers, problems
from edge.web.limits import Limits
from edge.web.problems import Problem

SOCKET: Final = "/api/live"  # the only one, and nothing else
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def header(scope: Scope, name: bytes) -> str:
    """Return a header that may come once; nothing, or one that came twice, is empty."""
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port and an address's brackets."""
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        return name if closed and (not port or port.startswith(":")) else ""
    return host.partition(":")[0]


class Door:
    """An ASGI application around the one that has the routes."""

    def __init__(self, inner: ASGIApp, names: Iterable[str], limits: Limits) -> None:
        self._inner = inner
        self._names = frozenset(name.strip("[]").lower() for name in (*names, *LOOPBACK))
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or turn it away."""
        answer = Answer(scope, send)
        try:
            if (why := self._unwelcome(scope)) is not None:
                await answer.problem(*why)
            else:
                await self._inner(scope, self._timely(scope, receive), answer.send)
        except ClientDisconnected:
            return
        except Exception as error:  # noqa: BLE001  the last resort: logged, and answered if it can be
            problems.note(error)
            if not answer.begun:
                await answer.problem(500, "server_fault")

    def _unwelcome(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the code of a request that gets no further."""
        if host_name(header(scope, b"host")).lower() not in self._names:
            return 421, "wrong_host"
        lines = (len(name) + len(value) for name, value in scope["headers"])
        target = len(scope["raw_path"]) + len(scope["query_string"])
        if target + sum(lines) > self._limits.header_bytes:
            return 431, "headers_too_large"
        if (scope["type"] == ScopeType.WEBSOCKET) is not (scope["path"] == SOCKET):
            return 404, "not_found"
        return None

    def _timely(self, scope: Scope, receive: Receive) -> Receive:
        """Return `receive` with a deadline for the whole of a body."""
        if scope["type"] != ScopeType.HTTP:
            return receive
        deadline = asyncio.get_running_loop().time() + self._limits.body_seconds
        whole = False

        async def timely() -> Any:
            nonlocal whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise Problem(408, "body_slow") from None
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        return timely


class Answer:
    """What goes back to one client."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._kind = "http" if scope["type"] == ScopeType.HTTP else "websocket.http"
        self._send = send
        self.begun = False

    async def send(self, message: Message) -> None:
        """Send a message of the application, with our headers on it."""
        if message["type"] == "websocket.close" and not self.begun:
            await self._refuse_handshake(message)
            return
        if message["type"] == "http.response.start":
            message["headers"] = headers.completed(list(message["headers"]))
        self.begun = True
        await self._send(message)

    async def problem(self, status: int, code: str) -> None:
        """Send a problem in place of the application."""
        sent, content = problems.raw(status, code)
        self.begun = True
        start: Any = {"type": f"{self._kind}.response.start", "status": status, "headers": sent}
        await self._send(start)
        rest: Any = {"type": f"{self._kind}.response.body", "body": content, "more_body": False}
        await self._send(rest)

    async def _refuse_handshake(self, closing: Any) -> None:
        """Answer a handshake that the application closed, by the problem that it named."""
        status, code = closing.get("code", 0) - 4000, closing.get("reason", "")
        if not (400 <= status < 600 and problems.known(code)):
            status, code = 500, "server_fault"
        await self.problem(status, code)
