"""A cable between two gates that a test can cut, heal, or let die in silence.

cable = await Cable.to(port)
cable.port                # dial here
cable.cut()               # both ends are told, and nobody gets through
cable.heal()
cable.silence()           # connections hang: what is sent is swallowed, and nobody is told
"""

import asyncio
from contextlib import suppress
from typing import Self


class Cable:
    """A TCP proxy on the loopback."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._lines: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._whole = True
        self._swallowed: set[asyncio.StreamWriter] = set()

    @classmethod
    async def to(cls, port: int) -> Self:
        """Lay a cable to a port."""
        cable = cls(port)
        cable._server = await asyncio.start_server(cable._join, "127.0.0.1", 0)
        return cable

    @property
    def port(self) -> int:
        """Where its other end is."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def lines(self) -> int:
        """How many connections run through it."""
        return len(self._lines)

    def cut(self) -> None:
        """End every connection, and take none."""
        self._whole = False
        for pair in self._lines:
            for each in pair:
                each.transport.abort()

    def heal(self) -> None:
        """Take connections again."""
        self._whole = True

    def silence(self) -> None:
        """Swallow all that is said on the connections there are; new ones are whole."""
        for pair in self._lines:
            self._swallowed.update(pair)

    async def close(self) -> None:
        """Take the cable away."""
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not self._whole:
            writer.transport.abort()
            return
        back, forth = await asyncio.open_connection("127.0.0.1", self._to)
        pair = writer, forth
        self._lines.add(pair)
        try:
            both = self._carry(reader, forth), self._carry(back, writer)
            await asyncio.gather(*both)
        except asyncio.CancelledError:
            pass  # left cancelled, asyncio's streams would log a traceback (3.11)
        finally:
            self._lines.discard(pair)
            for each in pair:
                each.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if writer not in self._swallowed:
                    writer.write(data)
                    await writer.drain()
        if writer not in self._swallowed:
            writer.close()
