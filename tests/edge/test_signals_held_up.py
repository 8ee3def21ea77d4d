"""Whoever reads what the signals process says can't hold it up, and systemd hears of its life."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

PATIENCE: Final = 60.0  # seconds: a bound for a hanging test, not a measure
MORE_THAN_BEFORE: Final = 10  # turns, which come after everything that waited at the start
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[socket.socket]:
    """Return the socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        yield listening


@pytest.fixture
def start(tmp_path: Path, told: socket.socket) -> Iterator[Start]:
    """Start the process without an agent: its lamp says trouble, so it has much to print."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(stdout: int, stderr: int | None = None) -> "subprocess.Popen[bytes]":
        agent, notify = str(tmp_path / "agent.sock"), str(tmp_path / "notify")
        lines = ("--red", "22", "--amber", "27", "--entry", "5")
        command = ("-m", "edge.signals", "--socket", agent, "--lane", "kiosk", "--print", *lines)
        simulated = {"GPIOZERO_PIN_FACTORY": "mock", "NOTIFY_SOCKET": notify, "PATH": str(tmp_path)}
        child = subprocess.Popen(
            (sys.executable, *command), stdout=stdout, stderr=stderr, env=os.environ | simulated
        )
        started.append(child)
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return the two ends of a small pipe."""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        os.close(end)


def fill(end: int) -> int:
    """Write until nothing more goes in; return how much went."""
    os.set_blocking(end, False)
    size = 0
    try:
        while True:
            size += os.write(end, b"." * 4096)
    except BlockingIOError:
        os.set_blocking(end, True)
    return size


def turns(told: socket.socket, number: int = MORE_THAN_BEFORE) -> None:
    """Wait until the process has turned so often: each turn sets every line and says so."""
    while number:
        number -= told.recv(256) == b"WATCHDOG=1"


def test_systemd_hears_of_its_whole_life(start: Start, told: socket.socket) -> None:
    """It is ready, it lives, and it ends."""
    child = start(subprocess.DEVNULL, subprocess.DEVNULL)
    assert told.recv(256) == b"READY=1"
    turns(told)
    child.send_signal(signal.SIGTERM)
    while told.recv(256) != b"STOPPING=1":
        pass
    assert child.wait(PATIENCE) == 0


def test_a_reader_that_stands_still_holds_up_nothing(
    start: Start, told: socket.socket, pipe: tuple[int, int]
) -> None:
    """Both outputs are full from the start: it turns, it ends, and its first word is not lost."""
    reading, writing = pipe
    filled = fill(writing)
    child = start(writing, writing)
    turns(told)
    assert os.read(reading, filled) == b"." * filled
    with os.fdopen(reading, closefd=False) as lines:
        words = [next(lines) for _ in range(2)]
    assert sum(word.startswith("no sound: player_missing") for word in words) == 1
    first = next(json.loads(word) for word in words if word.startswith("{"))
    assert (first["agent"], first["levels"]["entry"]) == (False, 0)
    fill(writing)
    turns(told)
    child.send_signal(signal.SIGTERM)
    assert child.wait(PATIENCE) == 0


def test_a_reader_that_leaves_ends_nothing(start: Start, told: socket.socket) -> None:
    """`--print | head -1` leaves the gate as it was."""
    reading, writing = os.pipe()
    child = start(writing, subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert json.loads(next(lines))["agent"] is False
    turns(told)
    child.send_signal(signal.SIGTERM)
    assert child.wait(PATIENCE) == 0
