"""Tell systemd how a process does (sd_notify(3)); without systemd, tell nobody.

A gate says the same in edge/link/notify.py: the two sides import nothing of each other, and
`shared` speaks to no system.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

BEAT: Final = 5.0  # seconds between two signs of life
PATIENCE: Final = 0.05  # seconds: a systemd that stands still holds nothing up


def tell(*states: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send states such as "READY=1" or "WATCHDOG=1"; return whether anybody was told."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(PATIENCE)
        try:
            channel.connect(address.replace("@", "\0", 1))
            channel.sendall("\n".join(states).encode())
        except OSError:  # systemd starts anew; the next state gets through
            return False
    return True


async def beat(stop: asyncio.Event) -> None:
    """Say that this process is ready, that its loop turns, and at `stop` that it ends."""
    tell("READY=1")
    while not stop.is_set():
        tell("WATCHDOG=1")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), BEAT)
    tell("STOPPING=1")
