"""A connection's way out that sends an answer's head and its body in one piece.

uvicorn writes them one after the other, and each write is a call of the system, a packet and a
waking of whoever reads: a tenth of what an answer costs.
"""

import asyncio
from typing import Any


class Joined(asyncio.Transport):
    """A transport whose every other write waits for the next one, until the loop's next round at
    the longest. What is written stays in order."""

    def __init__(self, out: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._out = out
        self._loop = loop
        self._kept = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send this with what is kept, or keep it for a moment."""
        if self._kept:
            kept, self._kept = self._kept, b""
            self._out.writelines((kept, data))
        elif data:
            self._kept = bytes(data)
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Send what is kept, and close."""
        self._flush()
        self._out.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._out.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to another protocol."""
        self._out.set_protocol(protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._out.get_extra_info(name, default)

    def _flush(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, b""
            self._out.write(kept)
