"""News of what is newest, as the cloud sends them (spec/sync.md §2): a reason to ask, no more."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

import httpx

from edge.sync.client import Cloud
from edge.sync.failures import Away, Garbled
from edge.sync.pull import MOST_STATE, state_of
from shared.wire import SyncState

KIND: Final = "text/event-stream"


async def follow(
    cloud: Cloud, heard: Callable[[], None], told: Callable[[SyncState], None]
) -> None:
    """Follow until the cloud ends it or it has lasted for long, which is no failure. `heard`: at
    each sign of life, that is a whole line. Raises `Away` where none comes in time."""
    limits = cloud.limits
    headers = {"accept": KIND}
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.stream
    try:
        async with (
            asyncio.timeout(limits.connect + limits.silence) as patience,
            cloud.open("/sync/stream", headers, patience=limits.silence) as response,
        ):
            _check(response)
            heard()
            lines = Lines()
            async for piece in response.aiter_raw():
                for state in lines.states(piece):
                    told(state)
                if b"\n" in piece:
                    heard()
                    patience.reschedule(min(end, loop.time() + limits.silence))
                if loop.time() >= end:
                    return
    except TimeoutError:
        if loop.time() < end:
            raise Away("silent") from None


def _check(response: httpx.Response) -> None:
    """Raise `Away` for what is no stream of news: a portal's page."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    if kind != KIND or response.headers.get("content-encoding", "identity") != "identity":
        raise Away("no_stream")


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
