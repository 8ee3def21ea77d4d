"""A server's folder: its lock, passwords, log and data."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from cloud.embedded.account import Account, account_for
from cloud.embedded.claim import Claim, claim
from cloud.embedded.failed import ServerFailed, no_space, not_writable, written_at
from cloud.embedded.files import opened
from cloud.embedded.kept import Kept, Signals, launch
from cloud.embedded.leftovers import clear
from cloud.embedded.passwords import Passwords

LOG_LIMIT: Final = 1_000_000  # bytes, beyond which a start begins a new log
TAKEN: Final = "Address already in use"
PAUSE: Final = 0.01


class Home:
    """Entered by one process at a time. `program` is the name of the server's executable."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.program = program
        self.passwords = Passwords(self.folder / "passwords")
        self._log = self.folder / "log"
        self._read_from = 0
        self._claim: Claim | None = None

    def enter(self, patience: float) -> Account:
        """Take the folder, and return whom its server runs as. Nothing lives in it then."""
        with written_at(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim = claim(self.folder, patience)
            try:
                self.passwords.load()
                self.clear(patience)
                return account_for(self.folder, self.data)
            except BaseException:
                self.leave()
                raise

    def clear(self, patience: float) -> None:
        """Have nothing of a server live here."""
        clear(self.data, self.program, patience)

    def leave(self) -> None:
        """Let others have it."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def launch(
        self,
        program: Path,
        arguments: Callable[[str], Sequence[str]],
        signals: Signals,
        account: Account,
        *,
        folder: Path | None = None,
        descriptors: Sequence[int] = (),
    ) -> Kept:
        """Start a program on the data folder, or another. It is given the folder open, and
        `arguments` its name: where root alone may enter a folder above, paths lead nowhere."""
        assert self._claim  # noqa: S101 - entered
        with (
            written_at(self.folder),
            self._open_log() as log,
            opened(folder or self.data) as descriptor,
        ):
            return launch(
                [str(program), *arguments(f"/proc/self/fd/{descriptor}")],
                signals,
                account=account,
                claim=self._claim,
                log=log,
                descriptors=[descriptor, *descriptors],
            )

    def _open_log(self) -> IO[bytes]:
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_name("log.old"))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        file = os.fdopen(os.open(self._log, flags, 0o600), "ab")
        self._read_from = self._log.stat().st_size
        return file

    def said(self) -> str:
        """Return what the program that was launched last has written."""
        with self._log.open("rb") as file:
            file.seek(self._read_from)
            return file.read().decode("utf-8", "replace")

    def failure(self) -> ServerFailed:
        """Return why the program that was launched last has ended."""
        said = self.said()
        if "No space left on device" in said or "Disk quota exceeded" in said or self._full():
            return no_space(self.folder)
        if "Read-only file system" in said:
            return not_writable(self.folder, "Read-only file system")
        lines = [line for line in said.splitlines() if line.strip()]
        blamed = [line for line in lines if "FATAL" in line or "error" in line.lower()]
        last = (blamed or lines or ["it said nothing"])[-1].strip()
        code = "port_taken" if TAKEN in said else "did_not_start"
        return ServerFailed(
            code, f"{self.program} in {self.folder} did not start: {last} ({self._log})"
        )

    def _full(self) -> bool:
        return shutil.disk_usage(self.folder).free == 0  # so nothing could be said of it

    def await_ready(self, server: Kept, ready: Callable[[], bool], patience: float) -> None:
        """Return when the server answers; raise `ServerFailed` if it ends or takes too long."""
        until = time.monotonic() + patience
        while not ready():
            if server.wait(PAUSE) is not None:
                raise self.failure()
            if time.monotonic() > until:
                raise ServerFailed(
                    "too_slow",
                    f"{self.program} in {self.folder} was not ready after {patience:.0f} s.",
                )
