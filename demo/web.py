"""What the demo serves on loopback: its page, the story as it goes, and the cameras' pictures."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any, Final

import uvicorn

from demo.lens import CONTENT_TYPE, Lens
from demo.telling import Telling

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
HOST: Final = "127.0.0.1"
HTML: Final = b"text/html; charset=utf-8"
EVENTS: Final = b"text/event-stream"
POLICY: Final = (
    b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
    b" img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


class Quiet(uvicorn.Server):
    """uvicorn's server, which leaves signals to the demo."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class Pages:
    """An ASGI application: the page, its events, and each camera as a stream and as a still."""

    def __init__(self, page: bytes, telling: Telling, lenses: Mapping[str, Lens]) -> None:
        self._page, self._telling, self._lenses = page, telling, lenses
        self.over = asyncio.Event()  # ends every stream

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        name, _, kind = path.removeprefix("/camera/").rpartition(".")
        lens = self._lenses.get(name)
        if path == "/":
            await _answer(send, 200, HTML, self._page)
        elif path == "/events":
            await self._stream(receive, send, EVENTS, self._telling.events())
        elif lens is not None and kind == "jpg":
            await _answer(send, 200, b"image/jpeg", lens.newest)
        elif lens is not None and kind == "mjpeg":
            await self._stream(receive, send, CONTENT_TYPE, lens.stream())
        else:
            await _answer(send, 404, b"text/plain", b"There is no such page.\n")

    async def _stream(
        self, receive: Receive, send: Send, kind: bytes, parts: AsyncIterator[bytes]
    ) -> None:
        """Send parts until the client has gone, or all is over."""
        await _begin(send, 200, kind)

        async def tell() -> None:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        until = [asyncio.ensure_future(each) for each in (tell(), gone(), self.over.wait())]
        try:
            await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in until:
                each.cancel()
            await asyncio.gather(*until, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, kind: bytes, body: bytes) -> None:
    await _begin(send, status, kind)
    await send({"type": "http.response.body", "body": body})


async def _begin(send: Send, status: int, kind: bytes) -> None:
    headers = [
        (b"content-type", kind), (b"cache-control", b"no-store"),
        (b"content-security-policy", POLICY), (b"x-content-type-options", b"nosniff"),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})


class Site:
    """The pages, being served at a port of their own."""

    def __init__(self, pages: Pages) -> None:
        config = uvicorn.Config(
            pages, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._pages = pages
        self._server = Quiet(config)
        self._listener = socket.create_server((HOST, 0))
        self.address = f"http://{HOST}:{self._listener.getsockname()[1]}"

    async def serve(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Have `serve` end, streams and all."""
        self._pages.over.set()
        self._server.should_exit = True
