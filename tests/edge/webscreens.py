"""A screen's live socket, for tests that are not asynchronous.

The library's own blocking client reads in one thread and writes in another, which Python's TLS
before 3.13 does not survive every time; this one does both in an event loop.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

T = TypeVar("T")
PATIENCE = 20.0  # seconds: no test waits for it that passes


class Clients:
    """The event loop that all screens of a test live in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    @contextlib.contextmanager
    def running(self) -> Iterator["Clients"]:
        """Run the loop meanwhile."""
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            self.run(_all_done())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(PATIENCE)
            self._loop.close()


async def _all_done() -> None:
    """Let everything that has begun come to its end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


class Screen:
    """One open socket."""

    def __init__(self, clients: Clients, connection: ClientConnection) -> None:
        self._clients = clients
        self._connection = connection

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def recv(self) -> str | bytes:
        """Return the next message."""
        return self._clients.run(self._connection.recv())

    def send(self, said: str | bytes) -> None:
        """Say something."""
        self._clients.run(self._connection.send(said))

    def close(self) -> None:
        """Leave."""
        self._clients.run(self._connection.close())

    def end(self) -> tuple[int, str]:
        """Hear the gate out; return the code and the reason that it closed with."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.recv()
        closing = self._connection.protocol.close_rcvd
        assert closing is not None, "it broke off"
        return closing.code, closing.reason


def open_screen(
    clients: Clients,
    port: int,
    trusted: ssl.SSLContext,
    host: str,
    origin: str,
    headers: Mapping[str, str],
) -> Screen:
    """Shake hands."""

    async def opened() -> ClientConnection:
        return await connect(
            f"wss://{host}:{port}/api/live",
            host="127.0.0.1",
            ssl=trusted,
            server_hostname="localhost",
            origin=origin or None,  # type: ignore[arg-type]  # a NewType of str
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_queue=None,
        )

    return Screen(clients, clients.run(opened()))
