"""News of what is newest, as the cloud sends them (spec/sync.md §2): a reason to ask, no more."""

from collections.abc import Callable, Iterator

from edge.sync.client import Cloud
from edge.sync.failures import Garbled
from edge.sync.pull import MOST_STATE, state_of
from shared.wire import SyncState


async def follow(
    cloud: Cloud, heard: Callable[[], None], told: Callable[[SyncState], None]
) -> None:
    """Follow until the cloud ends it, which is no failure. `heard`: at each sign of life."""
    headers = {"accept": "text/event-stream"}
    async with cloud.open("/sync/stream", headers, patience=cloud.limits.silence) as response:
        heard()
        lines = Lines()
        async for piece in response.aiter_raw():
            heard()
            for state in lines.states(piece):
                told(state)


class Lines:
    """Server-sent events, taken apart while they come."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = b""

    def states(self, piece: bytes) -> Iterator[SyncState]:
        """Yield the states that are whole by now."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MOST_STATE:
            raise Garbled("stream")
        for line in lines:
            name, _, value = line.partition(b": ")
            if name == b"event":
                self._event = value
            elif name == b"data" and self._event == b"state":
                yield state_of(value)
            elif not line:
                self._event = b""
