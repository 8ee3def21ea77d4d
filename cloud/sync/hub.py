"""One connection to the database hears of changes for all streams of this process.

News carries nothing but the tenant: each stream then reads the newest state for itself, so a
slow one misses steps and never the end, and nothing is kept for it meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from cloud.db.connect import connect, hang_up

LOG = structlog.get_logger("usher.sync")
CHANNEL: Final = "usher_sync"
GONE: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # also: a standby that is not promoted yet
)
RETRY: Final = 1.0  # seconds after the connection broke
RECORDS_EVERY: Final = 1.0  # seconds between two times that a tenant's streams hear of records


class Stream:
    """One device's stream."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.over = False

    def end(self) -> None:
        """Let it end at once."""
        self.over = True
        self.news.set()


class Hub:
    """The streams of this process, one a device."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._streams: dict[UUID, dict[bytes, Stream]] = {}
        self._told: dict[UUID, float] = {}  # when of records, last or next: the loop's time
        self._news: Counter[UUID] = Counter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen as long as this lasts, and end every stream after."""
        task = asyncio.create_task(self._listening())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for each in [each for devices in self._streams.values() for each in devices.values()]:
                each.end()

    @asynccontextmanager
    async def stream(self, tenant: UUID, device: bytes) -> AsyncIterator[Stream]:
        """Begin a device's stream; an older one of it ends."""
        devices = self._streams.setdefault(tenant, {})
        if older := devices.get(device):
            older.end()
        mine = devices[device] = Stream()
        try:
            yield mine
        finally:
            if devices.get(device) is mine:
                del devices[device]
            if not devices and self._streams.get(tenant) is devices:
                del self._streams[tenant]

    def news(self, tenant: UUID) -> int:
        """Return how often there was news of a tenant."""
        return self._news[tenant]

    def tell(self, tenant: UUID) -> None:
        """Wake a tenant's streams."""
        self._news[tenant] += 1
        for each in self._streams.get(tenant, {}).values():
            each.news.set()

    def hear(self, said: str) -> None:
        """Wake whom a notification concerns: `TENANT`, or `TENANT/records`.

        Scans come in by the dozen a second, and each would have every gate ask again.
        """
        named, _, about = said.partition("/")
        tenant, loop = UUID(named), asyncio.get_running_loop()
        if about != "records":
            self.tell(tenant)
            return
        now = loop.time()
        self._told = {each: at for each, at in self._told.items() if at > now - RECORDS_EVERY}
        last = self._told.get(tenant, now - RECORDS_EVERY)
        if last <= now:  # else they are to be woken already
            self._told[tenant] = last + RECORDS_EVERY
            loop.call_later(max(0.0, last + RECORDS_EVERY - now), self.tell, tenant)

    async def _listening(self) -> None:
        while True:
            try:
                await self._listen()
            except GONE as error:
                LOG.warning("sync_deaf", fault=type(error).__name__)
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        conn: Any = await connect(self._url)
        lost = asyncio.Event()
        try:
            conn.add_termination_listener(lambda *_: lost.set())
            await conn.add_listener(CHANNEL, lambda *said: self.hear(said[3]))
            for tenant in list(self._streams):  # what was said while nobody listened
                self.tell(tenant)
            await lost.wait()
        finally:
            await hang_up(conn)
