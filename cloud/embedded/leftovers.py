"""Processes that still live in a folder after whoever started them was killed."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloud.embedded.failed import ServerFailed

PAUSE: Final = 0.02  # seconds


def living_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is `folder`: those of its server."""
    place = os.path.realpath(folder)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if str((entry / "cwd").readlink()) == place:
                    found.append(int(entry.name))
    return found


def clear(folder: Path, program: str, patience: float) -> None:
    """Have nothing of an earlier server live in `folder`; processes of others stay untouched.

    Ask gently, insist after half of `patience`, and raise `ServerFailed` after the whole.
    """
    start = time.monotonic()
    asked: dict[int, signal.Signals] = {}
    while left := [pid for pid in living_in(folder) if _is(pid, program)]:
        passed = time.monotonic() - start
        if passed > patience:
            raise ServerFailed(
                "still_running",
                f"Process {left[0]} of an earlier server in {folder} does not end; kill it.",
            )
        wanted = signal.SIGKILL if passed > patience / 2 else signal.SIGINT
        for pid in left:
            if asked.get(pid) is not wanted:
                asked[pid] = wanted
                with suppress(ProcessLookupError):
                    os.kill(pid, wanted)
        time.sleep(PAUSE)


def _is(pid: int, program: str) -> bool:
    try:
        # An upgrade may have removed the file that the process runs.
        name = Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        return False
    return name == program
