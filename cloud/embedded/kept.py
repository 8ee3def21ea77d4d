"""A server's process, as its parent sees it through the keeper."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cloud.embedded.account import Account
from cloud.embedded.claim import Claim
from cloud.embedded.failed import ServerFailed

KEEPER: Final = Path(__file__).with_name("keeper.py")
PATIENCE: Final = 20  # seconds that an abandoned server has for an orderly stop
# No LD_LIBRARY_PATH and no PGDATA of somebody's shell.
ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


@dataclass(frozen=True)
class Signals:
    """How a program is asked to stop, and how it is made to."""

    gentle: signal.Signals
    harsh: signal.Signals


class Kept:
    """Runs until it ends, its parent ends, or `end`."""

    def __init__(self, keeper: "subprocess.Popen[bytes]", pid: int) -> None:
        self._keeper = keeper
        self.pid = pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._keeper.poll() is None

    def tell(self, number: signal.Signals) -> None:
        """Send the server a signal."""
        assert self._keeper.stdin  # noqa: S101 - made with a pipe
        with suppress(BrokenPipeError):
            self._keeper.stdin.write(bytes([number]))

    def wait(self, timeout: float) -> int | None:
        """Return the exit code, or None if it still runs after `timeout` seconds."""
        try:
            return self._keeper.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Forget an ended process."""
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            if pipe:
                pipe.close()


def launch(
    command: Sequence[str],
    signals: Signals,
    *,
    account: Account,
    claim: Claim,
    log: IO[bytes],
    descriptors: Sequence[int] = (),
) -> Kept:
    """Start a program, which inherits `descriptors`."""
    uid = account.uid if account.switch else -1
    numbers = (os.getpid(), claim.descriptor, uid, account.gid, *_values(signals), PATIENCE)
    passed = ",".join(map(str, descriptors))
    keeper = subprocess.Popen(  # noqa: S603 - our own program; nothing of it is typed by anybody
        [sys.executable, "-I", "-S", str(KEEPER), *map(str, numbers), passed, *command],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd="/",  # PostgreSQL 15 must be able to come back to where it started
        env=ENVIRONMENT,
        umask=0o077,
        pass_fds=(claim.descriptor, *descriptors),
        start_new_session=True,  # Ctrl-C at a terminal is for the parent, which then stops us
    )
    assert keeper.stdout  # noqa: S101 - made with a pipe
    said = keeper.stdout.readline().decode("utf-8", "replace").strip()
    if said.isdigit():
        return Kept(keeper, int(said))
    keeper.wait()
    Kept(keeper, 0).close()
    raise ServerFailed(
        "did_not_start", f"{command[0]} can't be run: {said.lstrip('!') or log.name}."
    )


def _values(signals: Signals) -> tuple[int, int]:
    return int(signals.gentle), int(signals.harsh)


def halt(server: Kept, signals: Sequence[signal.Signals], patience: float) -> None:
    """Stop a server: each signal has `patience` seconds before the next, SIGKILL is the last."""
    for number in (*signals, signal.SIGKILL):
        if not server.alive:
            break
        server.tell(number)
        server.wait(patience if number is not signal.SIGKILL else PATIENCE)
    server.close()
