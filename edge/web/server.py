"""Serving the pages over TLS, inside the event loop of whoever calls."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Final

from litestar import Litestar
from uvicorn.server import Server

from edge.web.connection import GateConfig, GateConnection, GateSocket
from edge.web.limits import DEFAULT_LIMITS, Limits

BACKLOG: Final = 128


class GateServer(Server):
    """uvicorn's server. Signals are the business of the whole process, not of this part."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    def hang_up(self) -> None:
        """Drop the clients that have not left by themselves."""
        for each in tuple(self.server_state.connections):
            if isinstance(each, GateConnection | GateSocket):
                each.transport.abort()


async def serve(
    app: Litestar,
    context: ssl.SSLContext,
    host: str,
    port: int,
    *,
    limits: Limits = DEFAULT_LIMITS,
    listening: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve until cancelled, then let answers under way finish. `listening` is told the port.

    Raises `OSError` where the address can't be used, `ValueError` for a context that would
    speak less than TLS 1.3.
    """
    if context.minimum_version is not ssl.TLSVersion.TLSv1_3:
        raise ValueError("pages are served over TLS 1.3 alone")
    server = GateServer(_config(app, context, limits))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # Clients inherit it. asyncio sets it on its own listeners alone, and without it each answer
    # waits 40 ms for the client to confirm the headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening(listener.getsockname()[1])
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        server.should_exit = True
        await running
        raise
    finally:
        listener.close()
        server.hang_up()


def _config(app: Litestar, context: ssl.SSLContext, limits: Limits) -> GateConfig:
    config = GateConfig(
        app,
        http=GateConnection,
        ws=GateSocket,
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,  # paths with a kiosk's key have no place in a log
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=limits.leaving_seconds,
        ssl_context_factory=lambda _config, _default: context,
        h11_max_incomplete_event_size=limits.header_bytes,
    )
    config.limits = limits
    return config
