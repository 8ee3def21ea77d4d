"""What a worker tells systemd."""

import asyncio
import socket
from pathlib import Path

import pytest

from cloud.systemd import beat, tell


def test_a_worker_says_how_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is ready, that it lives, and that it ends."""

    async def live() -> None:
        stop = asyncio.Event()
        beating = asyncio.create_task(beat(stop))
        await asyncio.sleep(0)
        stop.set()
        await beating

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        asyncio.run(live())
        told = [manager.recv(100) for _ in range(3)]
    assert told == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/notify", "@nobody"])
def test_without_a_service_manager_nobody_is_told(address: str) -> None:
    """And that is no fault."""
    assert not tell("READY=1", environ={"NOTIFY_SOCKET": address})
