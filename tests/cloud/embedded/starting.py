"""Other processes that start servers, to be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
WAIT: Final = 60.0  # seconds: far more than a loaded machine needs

START: Final = """
import sys, time
from pathlib import Path
from cloud.embedded.{module} import {kind}
server = {kind}(Path({folder!r}))
server.start()
print(server.pid, server.{address}, flush=True)
{then}
"""


def code(kind: str, folder: Path, then: str = "time.sleep(600)") -> str:
    """Return a program that starts a server, says its process id and address, and goes on."""
    address = "superuser_url" if kind == "Postgres" else "url()"
    return START.format(
        kind=kind, module=kind.lower(), folder=str(folder), address=address, then=then
    )


@contextmanager
def running(source: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program, and kill it at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def parent(source: str) -> Iterator[tuple["subprocess.Popen[str]", int, str]]:
    """Run a program that starts a server; yield it, its server's process id and address."""
    with running(source) as process:
        assert process.stdout
        pid, _, address = process.stdout.readline().strip().partition(" ")
        yield process, int(pid), address


def until(true: Callable[[], bool]) -> None:
    """Return when something is so; fail if it never is."""
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Whether a process is gone; a zombie is."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def keeper_of(pid: int) -> int:
    """Return the process that keeps a server."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)
