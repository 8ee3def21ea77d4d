"""The agent's end of the appliance's socket: cameras in, verdicts and beats out.

A camera that reads faster than the station decides loses all but its newest reading: a queue
would show staff what was in front of the camera a while ago.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.gate.verdict import Verdict
from edge.link.cameras import Camera, Cameras
from edge.link.messages import (
    Answered,
    BadMessage,
    CameraState,
    Done,
    Hello,
    Message,
    Preview,
    Reload,
    Seen,
    encode,
)
from edge.link.wire import receive

SOCKET_MODE: Final = 0o660
LOG: Final = logging.getLogger(__name__)
Scan = Callable[[Sequence[str], str, str], Awaitable[Verdict]]


class Hub:
    """`scan` decides on the texts of one picture; `reload` reads the disk again."""

    def __init__(
        self, path: Path, cameras: Cameras, scan: Scan, reload: Callable[[], Awaitable[str]]
    ) -> None:
        self._path = path
        self._cameras = cameras
        self._scan = scan
        self._reload = reload
        self._signals: dict[str, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, in place of whatever listened here before."""
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        os.chmod(self._path, SOCKET_MODE)  # noqa: PTH101  a socket, not followed

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(FileNotFoundError):
            self._path.unlink()

    def tell_signals(self, message: Message) -> None:
        """Send to lamp, turnstile and speaker; whoever does not listen is dropped."""
        data = encode(message)
        for name, writer in list(self._signals.items()):
            if writer.transport.get_write_buffer_size() > 1 << 16:
                writer.transport.abort()
                del self._signals[name]
            else:
                writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            match await receive(reader):
                case Hello(role="camera", name=name, lane=lane):
                    await self._camera(Camera(name, lane, writer), reader)
                case Hello(role="signals", name=name):
                    await self._signal(name, reader, writer)
                case Hello(role="command"):
                    await self._command(reader, writer)
        except BadMessage:
            pass  # the line is closed on it, which is all that it can be told
        except asyncio.CancelledError:
            pass  # by `stop`; left cancelled, asyncio's streams would log a traceback (3.11)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _camera(self, camera: Camera, reader: asyncio.StreamReader) -> None:
        newest: list[Seen] = []
        arrived = asyncio.Event()
        deciding = asyncio.create_task(self._decide(camera, newest, arrived))
        self._cameras.add(camera)
        try:
            while (message := await receive(reader)) is not None:
                if isinstance(message, Seen):
                    newest[:] = [message]
                    arrived.set()
                elif isinstance(message, CameraState):
                    camera.state = message
                elif isinstance(message, Preview):
                    camera.show(message.jpeg)
        finally:
            self._cameras.drop(camera)
            deciding.cancel()
            await asyncio.gather(deciding, return_exceptions=True)

    async def _decide(self, camera: Camera, newest: list[Seen], arrived: asyncio.Event) -> None:
        while True:
            await arrived.wait()
            arrived.clear()
            seen = newest.pop()
            try:
                verdict = await self._scan(seen.texts, camera.lane, f"camera:{camera.name}")
            except Exception:  # one reading is lost, and never the camera
                LOG.exception("a reading of camera %s was not decided", camera.name)
            else:
                camera.send(Answered(verdict.code, verdict.signal))

    async def _signal(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._signals[name] = writer
        try:
            while await receive(reader) is not None:
                pass  # it has nothing to say; the end is what we wait for
        finally:
            if self._signals.get(name) is writer:
                del self._signals[name]

    async def _command(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await receive(reader)) is not None:
            if isinstance(message, Reload):
                writer.write(encode(Done(await self._reload())))
                await writer.drain()
