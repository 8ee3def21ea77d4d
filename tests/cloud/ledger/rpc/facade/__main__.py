"""The façade as a process: `python -m tests.cloud.ledger.rpc.facade DATABASE` prints its address.

It ends when its standard input does: a test that dies leaves none behind."""

import sys
import time

from tests.cloud.ledger.rpc.facade.app import App
from tests.cloud.serving import serving


def main() -> None:
    """Serve until nobody is there."""
    with serving(lambda: App(sys.argv[1], time.time)) as address:
        print(address, flush=True)  # noqa: T201 -- its starter reads it
        sys.stdin.read()


if __name__ == "__main__":
    main()
