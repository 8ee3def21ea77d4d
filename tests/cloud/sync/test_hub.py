"""What wakes gates' streams goes on, whatever the database does."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from cloud.sync import hub as hubs
from cloud.sync.hub import Hub


class Listening:
    """A connection that hears whatever a test says."""

    def __init__(self) -> None:
        self.heard: Any = None

    def add_termination_listener(self, _: Any) -> None:
        """It never ends."""

    async def add_listener(self, _: str, heard: Any) -> None:
        """Hear from now on."""
        self.heard = heard


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.TargetServerAttributeNotMatched("the standby is not promoted yet"),
        asyncpg.InternalClientError("broken in the middle of an exchange"),
        asyncpg.InterfaceError("closed"),
        OSError("refused"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_streams_are_woken_again_after_a_failover(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """A primary that is gone and a standby that takes no writes yet are waited for."""
    faults, conn, tenant = [fault], Listening(), uuid4()

    async def connect(_: str) -> Listening:
        if faults:
            raise faults.pop()
        return conn

    async def hang_up(_: Any) -> None:
        """There is nothing to close."""

    async def go() -> None:
        hub = Hub("postgresql://one,two/usher?target_session_attrs=read-write")
        async with asyncio.timeout(5), hub.open(), hub.stream(tenant, b"gate") as stream:
            await stream.news.wait()
            stream.news.clear()
            conn.heard(None, 0, "usher_sync", str(tenant))
            assert stream.news.is_set()

    monkeypatch.setattr(hubs, "connect", connect)
    monkeypatch.setattr(hubs, "hang_up", hang_up)
    monkeypatch.setattr(hubs, "RETRY", 0.01)
    asyncio.run(go())
