"""One answer of chunks: checked one by one, written while more come, kept wherever it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import httpx

from edge.gate.snapshot import Lacking
from edge.sync.client import Cloud
from edge.sync.failures import Away, Denied, Garbled
from edge.sync.frames import Frames
from shared.errors import Refused
from shared.manifest.ticket import SIZE

ENOUGH: Final = 1 << 20  # bytes that may wait for the disk
MOVED: Final = "manifest_moved"


class Blocking(Protocol):
    """Runs a call that blocks on a thread."""

    def __call__(self, call: Callable[[], Any], /) -> Awaitable[Any]:
        """Return what the call returns."""


class Download:
    """`keep`: writes chunks by digest."""

    def __init__(
        self, cloud: Cloud, keep: Callable[[Mapping[bytes, bytes]], None], blocking: Blocking
    ) -> None:
        self._cloud = cloud
        self._keep = keep
        self._blocking = blocking
        self._checked: dict[bytes, bytes] = {}  # not written yet
        self._writing: asyncio.Future[Any] | None = None
        self._tickets: dict[int, int] = {}  # of the chunks of this answer

    async def chunks(self, event: bytes, lacking: Lacking) -> bool:
        """Fetch what is lacking; return whether the cloud still had any of it.

        Whatever this raises, the chunks that were whole by then are on the disk.
        """
        names = str(lacking.with_names).lower()
        query = f"version={lacking.head.version}&want={lacking.want}&names={names}"
        path = f"/sync/events/{event.hex()}/chunks?{query}"
        try:
            async with (
                asyncio.timeout(self._cloud.limits.longest),
                self._cloud.open(path, {"accept-encoding": "zstd"}) as response,
            ):
                await self._read(response, lacking)
        except Denied as error:
            if error.code != MOVED:
                raise
            return False
        except TimeoutError:
            raise Away("slow") from None
        finally:
            await self._rest()
        return True

    async def _read(self, response: httpx.Response, lacking: Lacking) -> None:
        coding = response.headers.get("content-encoding", "identity")
        if coding not in ("identity", "zstd"):
            raise Garbled("answer_encoded")
        take = partial(self._take, lacking)
        frames = Frames(take, lacking.most(), compressed=coding == "zstd")
        async for piece in response.aiter_raw():
            frames.feed(piece)
            if self._writing is None or self._writing.done():
                await self._written()
                self._write()
            elif sum(map(len, self._checked.values())) >= ENOUGH:
                await self._written()

    def _take(self, lacking: Lacking, place: int, content: bytes) -> None:
        """Check one frame: a chunk's records, or its names behind them."""
        if place not in lacking.places:
            raise Refused("frame_too_many")
        if place not in self._tickets:
            self._tickets[place] = len(content) // SIZE
            self._checked[lacking.check(place, content)] = content
        else:
            tickets = self._tickets[place]
            self._checked[lacking.check_names(place, content, tickets)] = content

    def _write(self) -> None:
        """Begin to write what is checked, while more comes."""
        checked, self._checked = self._checked, {}
        if checked:
            self._writing = asyncio.ensure_future(self._blocking(partial(self._keep, checked)))

    async def _written(self) -> None:
        """Wait for what is being written. Never broken off: the disk says how long it takes."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await asyncio.shield(writing)

    async def _rest(self) -> None:
        """Write what is left."""
        await self._written()
        self._write()
        await self._written()
