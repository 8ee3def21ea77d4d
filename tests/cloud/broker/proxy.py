"""A wire between client and broker that can be slow, silent or cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

PIECE: Final = 65_536


class Wire:
    """A TCP proxy at `port`. `delay`: seconds for each piece; `silent`: what is sent is lost."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.delay = 0.0
        self.silent = False
        self.refusing = False
        self.accepted = 0

    def cut(self) -> None:
        """Reset all connections that there are."""
        for each in self._open:
            each.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.accepted += 1
        if self.refusing:
            writer.transport.abort()
            return
        try:
            out_reader, out_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, out_writer}
        try:
            await asyncio.gather(self._carry(reader, out_writer), self._carry(out_reader, writer))
        finally:
            self._open -= {writer, out_writer}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                await asyncio.sleep(self.delay)
                if not self.silent:
                    writer.write(piece)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def wire(to: int) -> AsyncIterator[Wire]:
    """Lend a wire to the port `to` of this machine."""
    made = Wire(to)
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
