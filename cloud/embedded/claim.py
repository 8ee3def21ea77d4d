"""One process at a time uses a folder.

The lock belongs to an open file that the owner shares with its server's keeper. While both
live, others are refused; a dead owner's server is stopping, and whoever comes next waits.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cloud.embedded.failed import ServerFailed

PAUSE: Final = 0.02  # seconds


class Claim:
    """A folder's lock, held."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Let others have the folder, whoever inherited the lock."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        os.close(self.descriptor)


def claim(folder: Path, patience: float) -> Claim:
    """Return the lock, or raise `ServerFailed` if a living process has it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with _closed_on_failure(descriptor):
        until = time.monotonic() + patience
        while not _locked(descriptor):
            owner = os.pread(descriptor, 100, 0).decode("ascii", "replace")
            if _lives(owner) or time.monotonic() > until:
                raise _in_use(folder, owner)
            time.sleep(PAUSE)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {_born(os.getpid())}".encode(), 0)
    return Claim(descriptor)


@contextmanager
def _closed_on_failure(descriptor: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(descriptor)
        raise


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(owner: str) -> bool:
    pid, _, born = owner.partition(" ")
    return pid.isdigit() and bool(born) and _born(int(pid)) == born


def _born(pid: int) -> str | None:
    """Return when a process started: a number of a dead process is given to another."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def _in_use(folder: Path, owner: str) -> ServerFailed:
    pid = owner.partition(" ")[0] or "unknown"
    return ServerFailed(
        "in_use", f"{folder} is in use by process {pid}. Stop that one, or name another folder."
    )
