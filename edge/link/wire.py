"""One end of the appliance's socket, for blocking and for asyncio code."""

import asyncio
import socket
import threading
from contextlib import suppress
from pathlib import Path

from edge.link.messages import LENGTH, BadMessage, Message, body_size, decode, encode


class Line:
    """A blocking connection to the agent. `send` may be called from any thread."""

    def __init__(self, path: Path, timeout: float | None = None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Send one message; raises `OSError` when the agent is gone."""
        with self._sending:
            self._socket.sendall(encode(message))

    def receive(self) -> Message | None:
        """Return the next message, None at the end; raises `TimeoutError` and `OSError`."""
        prefix = self._exactly(LENGTH.size)
        body = self._exactly(body_size(prefix)) if prefix is not None else None
        return None if body is None else decode(body)

    def close(self) -> None:
        """Hang up; a blocked `receive` in another thread ends."""
        with suppress(OSError):  # the other side was first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _exactly(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(size - len(parts))
            if not part:
                return None
            parts += part
        return bytes(parts)


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """Return the next message of a stream, None at its end."""
    try:
        body = await reader.readexactly(body_size(await reader.readexactly(LENGTH.size)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return decode(body)


__all__ = ["BadMessage", "Line", "receive"]
