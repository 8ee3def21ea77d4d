"""Keeps one server for one parent, and ends it when the parent ends. A program of its own.

Run by its path, in isolation: it imports nothing of ours. It watches three things: the parent
(by a pidfd, which also tells of kill -9), the server, and its standard input, where each byte
is a signal for the server. On its standard output it says the server's process id, or "!" and
why there is none.

A watching process instead of PDEATHSIG in the server alone, because that one strikes when the
*thread* that started the server ends, and a server may be started from any thread. It also
leaves time for an orderly stop, and force where that takes too long.
"""

import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
CONTROL = 0  # standard input
REPORT = 1


def main(arguments: list[str]) -> int:
    """`arguments`: parent, lock, uid or -1, gid, gentle signal, harsh signal, seconds between
    them, descriptors for the server, its program and arguments."""
    parent, lock, uid, gid, gentle, harsh, patience = map(int, arguments[:7])
    descriptors, command = [int(each) for each in arguments[7].split(",") if each], arguments[8:]
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # A service manager may tell all processes of the service: that is the parent's to weigh.
        # A handler, because a server would inherit that a signal is ignored.
        signal.signal(each, lambda *_: None)
    os.set_inheritable(lock, False)  # noqa: FBT003 - takes no keyword
    watched = os.pidfd_open(parent)
    if os.getppid() != parent:
        return 1
    identity = {} if uid < 0 else {"user": uid, "group": gid, "extra_groups": []}
    try:
        server = _start(command, descriptors, gentle, identity)
    except OSError as error:
        _report(f"!{error.strerror}: {error.filename}")
        return 1
    _report(str(server.pid))
    code = _keep(server, watched, gentle, harsh, patience)
    if os.getppid() != parent:  # whoever inherited the lock from the parent has no use for it
        fcntl.flock(lock, fcntl.LOCK_UN)
    return code


def _report(line: str) -> None:
    with suppress(OSError):  # a dead parent is noticed elsewhere
        os.write(REPORT, f"{line}\n".encode())


def _start(
    command: list[str], descriptors: list[int], gentle: int, identity: dict[str, Any]
) -> "subprocess.Popen[bytes]":
    keeper = os.getpid()

    def end_with_keeper() -> None:  # after setuid, which would undo it
        LIBC.prctl(PR_SET_PDEATHSIG, gentle)
        if os.getppid() != keeper:
            os._exit(1)

    return subprocess.Popen(  # noqa: S603 - no shell; our parent names the program
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=descriptors,
        preexec_fn=end_with_keeper,  # noqa: PLW1509 - this process has one thread
        **identity,
    )


def _keep(
    server: "subprocess.Popen[bytes]", parent: int, gentle: int, harsh: int, patience: int
) -> int:
    ended = os.pidfd_open(server.pid)
    poll = select.poll()
    for descriptor in (ended, parent, CONTROL):
        poll.register(descriptor, select.POLLIN)
    force = [harsh, signal.SIGKILL]
    until: float | None = None
    while True:
        left = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = [descriptor for descriptor, _ in poll.poll(left)]
        if ended in ready:
            return server.wait()
        if not ready and force:
            server.send_signal(force.pop(0))
            until = time.monotonic() + patience if force else None
        orders = os.read(CONTROL, 16) if CONTROL in ready else b""
        for order in orders:
            server.send_signal(order)
        if until is None and (parent in ready or (CONTROL in ready and not orders)):
            server.send_signal(gentle)
            until = time.monotonic() + patience
            poll.unregister(parent)
            poll.unregister(CONTROL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
