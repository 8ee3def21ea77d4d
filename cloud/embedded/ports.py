"""A port that nobody listens at."""

import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST: Final = 10_000
USUAL: Final = 32_768  # where the ports of outgoing connections begin
TRIES: Final = 100


def free_port() -> int:
    """Return one of 127.0.0.1. Another may take it before the server does: then try again.

    No outgoing connection is given it while its server is being restarted: whoever was told of
    the port would not find it again.
    """
    for _ in range(TRIES):
        with suppress(OSError):
            return _bound(random.randrange(FIRST, _outgoing()))
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        found: int = probe.getsockname()[1]
        return found


def _outgoing() -> int:
    """Return the first port that outgoing connections are given."""
    try:
        first = int(RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = USUAL
    return first if first > FIRST else USUAL
