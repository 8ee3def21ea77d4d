"""A cable between two programs: a TCP proxy that can be cut, and healed.

A cut cable drops what is on it and takes nothing new, as a pulled plug at a switch does: whoever
dials is hung up on at once, and whoever was connected hears nothing more.
"""

import asyncio
from contextlib import suppress
from typing import Final

PIECE: Final = 1 << 16
HOST: Final = "127.0.0.1"


class Cable:
    """Listens at `port`, and leads to `target`, a port of this machine."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.target = target
        self.whole = True
        self.carried = 0  # bytes, both ways
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the cable is not laid")
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def lay(self) -> None:
        """Begin to carry."""
        self._server = await asyncio.start_server(self._carry, HOST, 0)

    def cut(self) -> None:
        """Cut it."""
        self.whole = False
        for end in self._ends:
            end.transport.abort()

    def heal(self) -> None:
        """Mend it."""
        self.whole = True

    async def take_up(self) -> None:
        """Take it away."""
        self.cut()
        if self._server is not None:
            self._server.close()
            with suppress(OSError):
                await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            if self.whole:
                await self._through(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one end is gone, or all of it is; the other hears of it below
        finally:
            self._ends.discard(writer)
            writer.transport.abort()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        self._ends.add(far_writer)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(reader, far_writer))
                ways.create_task(self._pump(far_reader, writer))
        except* OSError:
            pass
        finally:
            self._ends.discard(far_writer)
            far_writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(PIECE):
            sink.write(data)
            self.carried += len(data)
            await sink.drain()
        if sink.can_write_eof():
            with suppress(OSError):
                sink.write_eof()
