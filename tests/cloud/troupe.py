"""Processes that a test kills; each is started again.

with troupe(("relay", "worker"), told, tmp_path / "output") as players:
    players.kill(0)
"""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
SERVING: Final = "tests.cloud.broker.serving"


class Troupe:
    """A process for each role."""

    def __init__(self, roles: Sequence[str], told: msgspec.Struct, output: Path) -> None:
        self.roles = roles
        self._told = msgspec.json.encode(told)
        self._output = output
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start them all."""
        self.running = [self._start(role) for role in self.roles]

    def kill(self, number: int) -> None:
        """Kill one as a crash does, and start it again."""
        self.running[number].kill()
        self.running[number].wait()
        self.running[number] = self._start(self.roles[number])

    def end(self) -> list[int]:
        """Tell all to stop; return how they ended."""
        for each in self.running:
            each.terminate()
        return [each.wait(30) for each in self.running]

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        with self._output.open("ab") as output, _held(signal.SIGTERM):
            process = subprocess.Popen(
                [sys.executable, "-m", SERVING, role],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output,
            )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(self._told)
        process.stdin.close()
        return process


@contextmanager
def _held(number: signal.Signals) -> Iterator[None]:
    """Let a signal wait in what is started meanwhile, until that listens to it (`SERVING`): one
    that was started again a moment before the end would die of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def troupe(roles: Sequence[str], told: msgspec.Struct, output: Path) -> Iterator[Troupe]:
    """Lend the processes, running; none is left."""
    made = Troupe(roles, told, output)
    try:
        made.start()
        yield made
    finally:
        for each in made.running:
            each.kill()
            each.wait()
