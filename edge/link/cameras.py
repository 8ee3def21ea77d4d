"""The cameras that are connected to the agent, as pages and health see them."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from edge.link.messages import CameraState, Message, Watch, encode


class Camera:
    """One connected camera process."""

    def __init__(self, name: str, lane: str, writer: asyncio.StreamWriter) -> None:
        self.name = name
        self.lane = lane
        self.state: CameraState | None = None
        self._writer = writer
        self._picture = b""
        self._shown = asyncio.Condition()
        self._watchers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.gone = False

    def send(self, message: Message) -> None:
        """Tell the camera something."""
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    def show(self, jpeg: bytes) -> None:
        """Give a picture to whoever watches."""
        self._picture = jpeg
        self._wake()

    def leave(self) -> None:
        """Let the watchers go: the camera is not connected any more."""
        self.gone = True
        self._writer.close()
        self._wake()

    async def pictures(self) -> AsyncIterator[bytes]:
        """Yield the newest picture whenever there is one; the camera only makes any meanwhile."""
        self._watchers += 1
        self.send(Watch(on=True))
        try:
            while not self.gone:
                async with self._shown:
                    await self._shown.wait()
                if not self.gone:
                    yield self._picture
        finally:
            self._watchers -= 1
            if not self._watchers:
                self.send(Watch(on=False))

    def _wake(self) -> None:
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._shown:
            self._shown.notify_all()


class Cameras:
    """By name; a second camera of one name takes the first one's place."""

    def __init__(self) -> None:
        self._cameras: dict[str, Camera] = {}

    def add(self, camera: Camera) -> None:
        """Take a camera in."""
        if (before := self._cameras.get(camera.name)) is not None:
            before.leave()
        self._cameras[camera.name] = camera

    def drop(self, camera: Camera) -> None:
        """Let a camera go."""
        camera.leave()
        if self._cameras.get(camera.name) is camera:
            del self._cameras[camera.name]

    def get(self, name: str) -> Camera | None:
        """Return a connected camera."""
        return self._cameras.get(name)

    def states(self) -> Mapping[str, tuple[str, CameraState]]:
        """Return the lane and the last word of each connected camera."""
        every = self._cameras.values()
        return {each.name: (each.lane, each.state) for each in every if each.state is not None}

    async def previews(self, name: str) -> AsyncIterator[bytes]:
        """Yield pictures of a camera for as long as it is connected."""
        if (camera := self.get(name)) is not None:
            async for picture in camera.pictures():
                yield picture
