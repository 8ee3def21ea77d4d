"""A port that nobody listens at."""

import socket


def free_port() -> int:
    """Return one of 127.0.0.1. Another may take it before the server does: then try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
