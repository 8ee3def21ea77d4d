"""A process of ours ends with the one that started it, however that ends.

The keeper (keeper.py) does this for programs that are not ours; our own watch for themselves.
"""

import os
import select
import signal
import threading
import time

DEAD = 1  # exit code of one whose parent is gone


def end_with(parent: int, patience: float) -> None:
    """From now on, when the process `parent` has ended: be told to stop, as by SIGTERM, and
    `patience` seconds later be stopped."""
    try:
        watched = os.pidfd_open(parent)
    except ProcessLookupError:
        os._exit(DEAD)
    if os.getppid() != parent:  # the number may be another's by now
        os._exit(DEAD)
    threading.Thread(target=_watch, args=(watched, patience), daemon=True).start()


def _watch(parent: int, patience: float) -> None:
    poll = select.poll()
    poll.register(parent, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os._exit(DEAD)
