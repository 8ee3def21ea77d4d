"""The API's processes, watched: uvicorn's supervisor, and what else runs beside them."""

import multiprocessing
import os
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from cloud.embedded.failed import ServerFailed
from cloud.embedded.parent import end_with
from cloud.http.wire import Protocol
from cloud.settings import FILE, Settings, read
from cloud.systemd import tell
from cloud.telemetry import configure_logs

if TYPE_CHECKING:
    from socket import socket

    from litestar.types import ASGIApp

BACKLOG: Final = 2048
ANSWERS_WITHIN: Final = 60  # seconds; a process that is silent for longer hangs, and is replaced
TRIES: Final = 5  # to start a server again
LOG = structlog.get_logger("usher.serve")
GRACE_LEFT: Final = 2  # seconds to end after the requests are finished


class Supervisor(Multiprocess):
    """Runs the API's processes until told to stop, and starts those again that end.

    `tend` is called twice a second, and `ready` once, as soon as all processes answer.
    """

    def __init__(
        self,
        config: Config,
        listener: "socket",
        tend: Callable[[], None],
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config, [listener])
        self._tend = tend
        self._ready = ready
        self._told = False
        self._faults = 0  # of `tend`, one after the other
        self._fault = ""

    @property
    def failure(self) -> str:
        """Why it ended by itself: something could not be started. "": it was told to end."""
        return self._fault

    def run(self) -> None:
        """Run until told to stop; whatever happens, no process is left."""
        try:
            super().run()
        finally:
            for process in self.processes:
                if process.process.is_alive():
                    process.process.kill()

    def keep_subprocess_alive(self) -> None:
        """Look after everything."""
        try:
            self._tend()
            self._faults = 0
        except ServerFailed as failed:  # one that was killed while it recovered, perhaps
            self._faults += 1
            LOG.warning("restart_failed", fault=failed.code, times=self._faults)
            if self._faults >= TRIES:
                self._fault = failed.sentence
                self.should_exit.set()
        self._keep_alive()
        tell("WATCHDOG=1")
        if not self._told and all(process.is_ready(ANSWERS_WITHIN) for process in self.processes):
            self._told = True
            self._ready()
            tell("READY=1")

    def _keep_alive(self) -> None:
        """Replace those that ended or hang. uvicorn gives the service up where a start failed; once
        all have answered, the database was away just then, and that process is started again. One
        that was starting when we were told to end may fail too: nobody asks it to go on."""
        going = not self.should_exit.is_set()
        super().keep_subprocess_alive()
        if going and self.should_exit.is_set():
            if self._told:
                self.should_exit.clear()
                self._start_again()
            else:
                self._fault = "The API did not start: its log above says why."
        self._hear_ends()

    def init_processes(self) -> None:
        """Start all."""
        super().init_processes()
        self._hear_ends()

    def _hear_ends(self) -> None:
        """Close our copies of the processes' own ends of their pipes. With these open, nobody who
        waits for an answer is told that the process has ended: he waits for ANSWERS_WITHIN."""
        for process in self.processes:
            process.child_conn.close()

    def _start_again(self) -> None:
        for place, process in enumerate(self.processes):
            if process.exitcode == STARTUP_FAILURE:
                self.processes[place] = Process(self.config, self.sockets)
                self.processes[place].start()

    def terminate_all(self) -> None:
        """Let all processes finish what they began."""
        tell("STOPPING=1")
        super().terminate_all()


def config_of(settings: Settings) -> Config:
    """Return how uvicorn is to serve."""
    return Config(
        f"{__name__}:factory",
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=Protocol,
        log_config=None,
        access_log=False,  # cloud/http/envelope.py logs requests, without what is personal
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        timeout_keep_alive=30,
        timeout_worker_healthcheck=ANSWERS_WITHIN,
        backlog=BACKLOG,
        ssl_context_factory=partial(_context, settings) if settings.listen_cert else None,
    )


def _context(settings: Settings, *_: object) -> ssl.SSLContext:
    """Return how the API speaks TLS: 1.3 alone, and to whom `listen_ca` vouches for, if named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(settings.listen_cert, settings.listen_key)
    if settings.listen_ca:
        context.load_verify_locations(settings.listen_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def factory() -> "ASGIApp":
    """Return the application of one process, which ends with the one that started it."""
    from cloud.app import create_app  # not in the process that supervises: it takes seconds

    configure_logs()
    file = os.environ.get(FILE)
    settings = read(Path(file) if file else None, os.environ)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with(parent.pid, settings.grace_seconds + GRACE_LEFT)
    return create_app(settings)
