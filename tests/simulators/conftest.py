"""The simulator takes long, and the other tests leave a core idle: it plays beside them."""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

SEEDS = int(os.environ.get("EVENINGS", "60"))  # evenings; CI plays 2,000
PARTS = 2


class Players:
    """Processes that play every second seed each."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="simulated-"))
        self.cores = sorted(os.sched_getaffinity(0))
        self.processes = [self._start(part) for part in range(1, PARTS + 1)]

    def _start(self, part: int) -> "subprocess.Popen[bytes]":
        command = [
            "nice", sys.executable, "-m", "tests.simulators", "0", str(SEEDS),
            "--part", f"{part}/{PARTS}", "--to", str(self.results(part)),
        ]  # fmt: skip
        with self.results(part).with_suffix(".log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        # An evening's threads take turns: handed over within one core it costs less.
        os.sched_setaffinity(process.pid, {self.cores[part % len(self.cores)]})
        return process

    def results(self, part: int) -> Path:
        """Return where a part's results are once it is over."""
        return self.folder / f"{part}.json"

    def close(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.terminate()
            process.wait()


_players: list[Players] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to play as soon as it is known that the result is wanted."""
    wanted = any("test_simulator" in item.nodeid for item in session.items)
    if wanted and not session.config.option.collectonly and not _players:
        _players.append(Players())


def pytest_sessionfinish() -> None:
    """End what still plays, if the run was broken off."""
    while _players:
        _players.pop().close()


@pytest.fixture(scope="session")
def players() -> Players:
    """Give the processes that play since the run began."""
    return _players[0]
