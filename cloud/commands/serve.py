"""`usher-cloud serve`: the API, by as many processes as the settings say."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import msgspec

from cloud.commands.ready import check, fit
from cloud.commands.saying import CONSOLE, OUT, fail, plainly
from cloud.commands.supervisor import BACKLOG, Supervisor, config_of
from cloud.embedded.beside import Beside
from cloud.home import Household, household
from cloud.settings import FILE, PREFIX, Settings, Unfit
from cloud.telemetry import configure_logs
from cloud.watch.exporter import exported

TERMINATED: Final = 128 + signal.SIGTERM

STAND_IN: Final = "http://127.0.0.1:"  # the fake provider's, beside an embedded service


def serve(settings: Settings, file: Path | None) -> None:
    """Serve until told to stop; what was begun is finished first."""
    if file is not None:
        os.environ[FILE] = str(file.absolute())
    configure_logs()
    # Until uvicorn listens to signals itself: leave in good order from wherever we are.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    with plainly():
        fit(settings)
        listener = _listen(settings)
        with _household(settings, _address(listener, settings.scheme)) as home:
            _serve(home, listener, embedded=settings.embedded)


@contextmanager
def _household(settings: Settings, address: str) -> Iterator[Household]:
    begun = household(settings, address)
    with CONSOLE.status("Starting the embedded servers …" if settings.embedded else "Starting …"):
        home = begun.__enter__()
    try:
        resolved = home.settings
        if not resolved.public_url:
            resolved = msgspec.structs.replace(resolved, public_url=address)
        yield home._replace(settings=resolved)
    finally:
        begun.__exit__(None, None, None)


def _serve(home: Household, listener: socket.socket, *, embedded: bool) -> None:
    settings = home.settings
    if embedded:  # the key in the data folder
        fit(settings)
    else:
        check(settings)
    os.environ.update(environment(settings))  # what the processes below are told by
    with (
        exported(settings, figures=embedded),
        _worker(settings) if embedded else nullcontext(lambda: None) as tend_worker,
    ):

        def tend() -> None:
            home.tend()
            tend_worker()

        supervisor = Supervisor(config_of(settings), listener, tend, lambda: _greet(settings))
        supervisor.run()
    if supervisor.failure:
        fail(supervisor.failure)


def _greet(settings: Settings) -> None:
    address = settings.public_url
    OUT.print(f"Usher is at {address}\n  API  {address}/v1/openapi.json\n  docs {address}/docs")
    if settings.payments_url.startswith(STAND_IN):
        OUT.print(f"  pay  {settings.payments_url}/checkout/CLIENT_SECRET, with a test card")
    if settings.mailbox:
        OUT.print(f"  mail {address}/mail/{settings.mailbox}, for you alone: none is sent")


@contextmanager
def _worker(settings: Settings) -> Iterator[Callable[[], None]]:
    """Run a worker beside an embedded service; with servers of their own it is another unit."""
    worker = Beside("worker", lambda: ["cloud", "work", "--parent", str(os.getpid())])
    worker.start()
    try:
        yield worker.tend
    finally:
        worker.stop(settings.grace_seconds)


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unfit(
            f"Nothing can listen at {settings.listen}: {os.strerror(error.errno or 0)}."
            " Another address: USHER_LISTEN=127.0.0.1:0 usher-cloud serve"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.set_inheritable(True)
    return listener


def _address(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings as another process of ours is told them; tables stay in the file."""
    told: dict[str, str] = {}
    for name, value in msgspec.to_builtins(settings).items():
        if name == "oidc" or value in ("", (), []):
            continue
        several = isinstance(value, list | tuple)
        told[PREFIX + name.upper()] = ",".join(value) if several else str(value)
    return told
