"""What starting and stopping is for any server in a folder."""

import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, Self

from cloud.embedded.account import Account
from cloud.embedded.failed import ServerFailed, written_at
from cloud.embedded.home import Home
from cloud.embedded.kept import Kept, Signals, halt
from cloud.embedded.ports import free_port

TRIES: Final = 5  # ports that somebody else takes first


class Server(ABC):
    """`patience`: seconds for a start, recovery included, and for each step of a stop."""

    signals: ClassVar[Signals]

    def __init__(self, home: Home, patience: float) -> None:
        self._home = home
        self._patience = patience
        self._server: Kept | None = None
        self._port = 0

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Start it, and stop it at the end."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self, *, moving: bool = True) -> None:
        """Return when it answers; raise `ServerFailed`. One that was killed is started again,
        at the port that it had, or another if that was taken meanwhile. Not `moving`: there or
        not at all, since others were told of that port."""
        if self.alive:
            return
        self.stop()
        account = self._home.enter(self._patience)
        try:
            with written_at(self._home.folder):
                self._start(account, moving=moving or not self._port)
        except BaseException:
            self._home.leave()
            raise

    def stop(self) -> None:
        """Return when it has ended."""
        self._end((self.signals.gentle, self.signals.harsh))

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._server is not None and self._server.alive

    @property
    def port(self) -> int:
        """The port at 127.0.0.1."""
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the server, 0 if it was not started."""
        return self._server.pid if self._server else 0

    @abstractmethod
    def _prepare(self, account: Account) -> Path:
        """Have data to start with; return the program."""

    @abstractmethod
    def _arguments(self, port: int, data: str) -> list[str]:
        """Return the program's arguments; `data` is its data folder's name for it."""

    @abstractmethod
    def _ready(self, port: int) -> bool:
        """Whether it answers."""

    def _start(self, account: Account, *, moving: bool) -> None:
        program = self._prepare(account)
        had = [self._port] if self._port else []  # who was told of it finds it again
        for tries_left in reversed(range(TRIES if moving else 1)):
            try:
                return self._start_at(had.pop() if had else free_port(), program, account)
            except ServerFailed as failed:
                if failed.code != "port_taken" or not tries_left:
                    raise
        return None

    def _start_at(self, port: int, program: Path, account: Account) -> None:
        server = self._home.launch(
            program, lambda data: self._arguments(port, data), self.signals, account
        )
        try:
            self._home.await_ready(server, lambda: self._ready(port), self._patience)
        except BaseException:
            halt(server, (self.signals.harsh,), self._patience)
            raise
        self._server, self._port = server, port

    def _end(self, signals: Sequence[signal.Signals]) -> None:
        if self._server is not None:
            halt(self._server, signals, self._patience)
            self._server = None
            try:
                self._home.clear(self._patience)  # a keeper that was killed left it running
            finally:
                self._home.leave()
