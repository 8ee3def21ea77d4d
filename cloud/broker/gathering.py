"""What a channel writes at about the same time, written at once.

The client writes each message, and each acknowledgement, to the socket by itself: a call of the
system and a record of TLS for each. Here what is put in one round of the event loop is one write.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final

from aiormq.abc import ChannelFrame

MOST: Final = 1 << 16  # bytes of a write


class Gathering(asyncio.Queue[ChannelFrame]):
    """Stands before a connection's queue of frames. Their order stays."""

    def __init__(self, behind: "asyncio.Queue[ChannelFrame]") -> None:
        super().__init__()
        self._behind = behind
        self._moving: asyncio.Task[None] | None = None

    async def put(self, item: ChannelFrame) -> None:
        """Have a frame written soon."""
        self.put_nowait(item)

    def put_nowait(self, item: ChannelFrame) -> None:
        """The same."""
        super().put_nowait(item)
        if self._moving is None:
            self._moving = asyncio.create_task(self._move())

    async def _move(self) -> None:
        try:
            while not self.empty():
                frames = [self.get_nowait() for _ in range(self.qsize())]
                for each in joined(frames):
                    await self._behind.put(each)
        finally:
            self._moving = None


def joined(frames: Iterable[ChannelFrame]) -> Iterator[ChannelFrame]:
    """Put together what nobody waits for and what ends nothing."""
    pieces: list[bytes] = []
    size = 0
    for each in frames:
        alone = each.should_close or each.drain_future is not None
        if pieces and (alone or size + len(each.payload) > MOST):
            yield ChannelFrame(b"".join(pieces), should_close=False)
            pieces, size = [], 0
        if alone:
            yield each
        else:
            pieces.append(each.payload)
            size += len(each.payload)
    if pieces:
        yield ChannelFrame(b"".join(pieces), should_close=False)
