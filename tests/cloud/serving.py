"""An ASGI application behind a real uvicorn, in a thread of its own."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from cloud.http.wire import Protocol


class Quiet(uvicorn.Server):
    """uvicorn's server, which leaves signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@contextlib.contextmanager
def serving(make: Callable[[], Any]) -> Iterator[str]:
    """Serve what `make` returns, called in the server's own loop; yield its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield from _serve(make, listener)


def _serve(make: Callable[[], Any], listener: socket.socket) -> Iterator[str]:
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        make,
        factory=True,
        http=Protocol,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=30,  # as of ours; a client of httpx lets go of what is idle for 5 s
    )
    server = Quiet(config)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            server.run(sockets=[listener])
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        if not thread.is_alive():
            raise RuntimeError("the server did not start") from next(iter(failed), None)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
