"""What systemd is told."""

import socket
from itertools import takewhile
from pathlib import Path

import pytest

from edge.link.notify import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_states_reach_the_service_manager(tmp_path: Path, abstract: bool) -> None:
    """States go to the socket that the environment names, a file's or an abstract one."""
    name = f"@usher-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        assert notify("READY=1", "STATUS=open", environ={"NOTIFY_SOCKET": name})
        assert manager.recv(100) == b"READY=1\nSTATUS=open"


def test_without_a_service_manager_nobody_is_told(tmp_path: Path) -> None:
    """No socket, one that is gone and one of another kind are no faults."""
    assert not notify("READY=1", environ={})
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": "vsock:2:1234"})


def test_a_systemd_that_stands_still_holds_nothing_up(tmp_path: Path) -> None:
    """Its socket is full and nobody reads: the state is not told, and the gate goes on."""
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nobody:
        nobody.bind(str(address))
        environ = {"NOTIFY_SOCKET": str(address)}
        told = list(takewhile(bool, (notify("WATCHDOG=1", environ=environ) for _ in range(5000))))
    assert 0 < len(told) < 5000
