"""Decoding posted pictures in a supervised process: a hang or a crash costs one answer.

The agent imports this and not OpenCV. A worker that hangs beyond the limit is killed; one that
was killed or died is started anew with the next picture.
"""

import asyncio
import struct
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

import msgspec

from edge.scan.reading import Failed, Reading

LIMIT: Final = 2.0  # seconds for one picture
STARTING: Final = 15.0  # seconds for a process to be there, on a slow machine
WAITING: Final = 8  # pictures, the one being read included
MAX_BYTES: Final = 8 << 20
LENGTH: Final = struct.Struct(">I")
ROOT: Final = Path(__file__).parents[2]  # where the packages are, installed or not
COMMAND: Final = (sys.executable, "-m", "edge.scan.worker")
_DECODER: Final = msgspec.msgpack.Decoder(Reading | Failed)


class Frames:
    """Reads posted pictures one after the other."""

    def __init__(self, limit: float = LIMIT) -> None:
        self.limit = limit
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self.restarts = 0  # workers that hung or died

    @property
    def pid(self) -> int | None:
        """The worker's, while one runs."""
        return self._process.pid if self._process else None

    async def read(self, jpeg: bytes) -> Reading | Failed:
        """Return what a JPEG picture says, or why it was not looked at."""
        if len(jpeg) > MAX_BYTES:
            return Failed("refused")
        if self._waiting >= WAITING:
            return Failed("busy")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._read(jpeg)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the worker."""
        async with self._turn:
            await self._end()

    async def _read(self, jpeg: bytes) -> Reading | Failed:
        try:
            process = await self._running()
            async with asyncio.timeout(self.limit):
                return await _ask(process, jpeg)
        except TimeoutError:
            return await self._lost(Failed("hung"))
        except (asyncio.IncompleteReadError, OSError, msgspec.DecodeError):
            return await self._lost(Failed("died"))
        except asyncio.CancelledError:
            await self._end()  # its answer would be taken for the next picture's
            raise

    async def _running(self) -> Process:
        """Return the worker, started if need be: starting does not count as reading."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, cwd=ROOT, start_new_session=True
            )
            async with asyncio.timeout(STARTING):
                await _ask(self._process, b"")
        return self._process

    async def _lost(self, failure: Failed) -> Failed:
        self.restarts += 1
        await self._end()
        return failure

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _ask(process: Process, jpeg: bytes) -> Reading | Failed:
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(LENGTH.pack(len(jpeg)) + jpeg)
    await process.stdin.drain()
    (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    reply: Reading | Failed = _DECODER.decode(await process.stdout.readexactly(size))
    return reply
