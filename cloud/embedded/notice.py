"""One process runs the servers of a data folder, and says in it how they are reached."""

import fcntl
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from cloud.embedded.failed import written_at
from cloud.embedded.files import write_private

LOCK: Final = "lock"
NOTICE: Final = "running.json"


def claim(stack: ExitStack, place: Path) -> bool:
    """Take the folder until the stack ends, unless a process that runs has it."""
    with written_at(place):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = stack.enter_context((place / LOCK).open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    (place / NOTICE).unlink(missing_ok=True)  # of one that was killed
    return True


def post(stack: ExitStack, place: Path, told: dict[str, str]) -> None:
    """Say how the servers are reached, until the stack ends."""
    write_private(place / NOTICE, msgspec.json.encode(told))
    stack.callback((place / NOTICE).unlink, missing_ok=True)


def read(place: Path) -> dict[str, str]:
    """Return what the process that has the folder says; nothing while it starts or ends."""
    try:
        return msgspec.json.decode((place / NOTICE).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
