"""A program of ours as a process beside this one: started again when it ends by itself."""

import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from cloud.embedded.failed import ServerFailed

LOG = structlog.get_logger("usher.home")
PATIENCE: Final = 30.0  # seconds for a first line
PAUSE: Final = 1.0  # seconds between two starts


class Beside:
    """Runs from `start` until `stop`. `arguments` are asked for at each start.

    A session of its own keeps Ctrl-C from it: its owner stops it, in order.
    """

    def __init__(self, name: str, arguments: Callable[[], Sequence[str]]) -> None:
        self.name = name
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int:
        """The process id, 0 before the start."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", *self._arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started_at = time.monotonic()

    def first_line(self) -> str:
        """Return what it says first, or raise `ServerFailed`."""
        stdout = self._process.stdout if self._process else None
        ready = select.select([stdout], [], [], PATIENCE)[0] if stdout else []
        line = stdout.readline().strip() if stdout and ready else ""
        if not line:
            raise ServerFailed("did_not_start", f"The {self.name} did not start.")
        return line

    def tend(self) -> None:
        """Start it again if it has ended."""
        if self._process is None or self._process.poll() is None:
            return
        if time.monotonic() < self._started_at + PAUSE:
            return
        LOG.warning("process_ended", name=self.name, code=self._process.returncode)
        self._forget(self._process)
        self.start()

    def stop(self, patience: float) -> None:
        """Ask it to stop, and make it, after `patience` seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget(self._process)
        self._process = None

    def _forget(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is not None:
            process.stdout.close()
