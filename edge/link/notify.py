"""Tell systemd how a process does (sd_notify(3)); without systemd, tell nobody."""

import os
import socket
from collections.abc import Mapping


def notify(*states: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send states such as "READY=1" or "WATCHDOG=1"; says whether anyone was told."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(0.05)  # a systemd that stands still must not hold up a gate
        try:
            channel.connect("\0" + address[1:] if address[0] == "@" else address)
            channel.sendall("\n".join(states).encode())
        except OSError:  # systemd restarts; the next state gets through
            return False
    return True
