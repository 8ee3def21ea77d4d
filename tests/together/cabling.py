"""The cable between a gate and the cloud, on a loop of its own, to be cut by a test."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.edge.cables import Cable


class Internet:
    """What a venue has of it. `address`: the cloud, by way of the cable."""

    def __init__(self, loop: asyncio.AbstractEventLoop, cable: Cable) -> None:
        self._loop = loop
        self._cable = cable
        self.address = f"http://127.0.0.1:{cable.port}"

    def cut(self) -> None:
        """End every connection, and take none."""
        self._loop.call_soon_threadsafe(self._cable.cut)

    def heal(self) -> None:
        """Let connections through again."""
        self._loop.call_soon_threadsafe(self._cable.heal)


@contextmanager
def internet(origin: str) -> Iterator[Internet]:
    """Lay a cable to the cloud."""
    loop = asyncio.new_event_loop()
    cable = loop.run_until_complete(Cable.to(int(origin.rpartition(":")[2])))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Internet(loop, cable)
    finally:
        asyncio.run_coroutine_threadsafe(cable.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
