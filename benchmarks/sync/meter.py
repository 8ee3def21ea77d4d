"""A cable to the cloud that counts the bytes that run through it, both ways.

with Meter(port) as meter:
    ...                     # whoever asks http://127.0.0.1:{meter.port} asks the cloud
    meter.down, meter.up
"""

import asyncio
import threading
from types import TracebackType
from typing import Self

PIECE = 1 << 18


class Meter:
    """A TCP proxy on a loop and a thread of its own. `down`: bytes from the cloud; `up`: to it."""

    def __init__(self, to: int) -> None:
        self.down = self.up = 0
        self.port = 0
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._join, "127.0.0.1", 0, limit=PIECE)
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def take(self) -> int:
        """Return all bytes since this was last asked."""
        both, self.down, self.up = self.down + self.up, 0, 0
        return both

    async def _end(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        tasks = [each for each in asyncio.all_tasks() if each is not mine]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._to, limit=PIECE)
        try:
            await asyncio.gather(self._up(reader, forth), self._down(back, writer))
        except (asyncio.CancelledError, OSError):
            pass  # left cancelled, asyncio's streams would log a traceback (3.11)
        finally:
            for each in (writer, forth):
                each.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE):
            self.up += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE):
            self.down += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()
