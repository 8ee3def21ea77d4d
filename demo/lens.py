"""A network camera over a lane: what is held before it, streamed as Motion JPEG over HTTP.

The gate's camera process opens it as it would any such camera's address, and decodes real
frames. So does whoever looks at the demo's page.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Final, Protocol

from demo import picture
from demo.picture import Grey, Hand

FPS: Final = 10  # while somebody holds something up
IDLE: Final = 2  # frames a second of an empty lane
BOUNDARY: Final = b"frame"
CONTENT_TYPE: Final = b"multipart/x-mixed-replace; boundary=" + BOUNDARY


class Held(Protocol):
    """What is before the camera."""

    def frame(self) -> bytes:
        """Return the next frame, a JPEG."""


class Nobody:
    """An empty lane."""

    def __init__(self, scene: Grey, rng: random.Random) -> None:
        self._scene, self._rng = scene, rng

    def frame(self) -> bytes:
        """Return the hall as it is."""
        return picture.sensed(self._scene, self._rng)


class Lens:
    """One camera. `run` streams until it is cancelled."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._scene = picture.scene(seed)
        self._nobody: Held = Nobody(self._scene, self._rng)
        self._held: Held = self._nobody
        self._moved = asyncio.Event()
        self._next: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.newest = self._nobody.frame()

    def hold(self, thing: Grey) -> None:
        """Hold something up, in place of what was there."""
        self._held = Hand(thing, self._scene, self._rng)
        self._moved.set()

    def leave(self) -> None:
        """Take it away."""
        self._held = self._nobody
        self._moved.set()

    async def run(self) -> None:
        """Take one frame after the other: at once when something new is held up."""
        while True:
            self._moved.clear()
            held = self._held
            self._show(await asyncio.to_thread(held.frame))
            try:
                async with asyncio.timeout(1 / (IDLE if held is self._nobody else FPS)):
                    await self._moved.wait()
            except TimeoutError:
                continue

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the parts of the stream; who is slow misses frames."""
        while True:
            jpeg = await asyncio.shield(self._next)
            head = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
            yield head % (BOUNDARY, len(jpeg)) + jpeg + b"\r\n"

    def _show(self, jpeg: bytes) -> None:
        self.newest = jpeg
        shown, self._next = self._next, asyncio.get_running_loop().create_future()
        shown.set_result(jpeg)
