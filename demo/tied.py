"""`python -m demo.tied PID MODULE …`: run a module that is told to end when process PID ends.

However the demo ends, killed too, what it has started hears of it from the kernel. Linux alone
has this; elsewhere the module runs untied.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Tie this process, and become the module."""
    parent, *words = sys.argv[1:]
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)  # holds through execv
    if os.getppid() != int(parent):
        sys.exit(1)  # it has ended already
    os.execv(sys.executable, [sys.executable, "-u", "-m", *words])  # noqa: S606


if __name__ == "__main__":
    main()
