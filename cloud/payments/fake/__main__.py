"""python -m cloud.payments.fake --port 0 --data FILE --webhook URL --webhook-secret SECRET

Prints its address on one line once it listens, then serves until it is told to stop.
"""

import argparse
import secrets
import socket
from pathlib import Path

import uvicorn

from cloud.embedded.parent import end_with
from cloud.payments.fake.app import create_app
from cloud.payments.fake.desk import Desk, Start

GRACE = 2  # seconds for requests under way, some of which hang on purpose


def main() -> None:
    """Run the fake."""
    said = _arguments().parse_args()
    if said.parent:
        end_with(said.parent, GRACE + 1)
    listener = socket.create_server((said.host, said.port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    own = f"http://{said.host}:{listener.getsockname()[1]}"
    desk = Desk(
        Start(
            data=said.data,
            key=said.key,
            address=said.address or own,
            seed=said.seed or secrets.token_hex(16),
            webhook=said.webhook,
            webhook_secret=said.webhook_secret,
            stopped_at=said.stopped_at,
            retry_wait=said.retry_wait,
        )
    )
    config = uvicorn.Config(
        create_app(desk),
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="on",
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=30,  # longer than clients keep what is idle: who ends it, ends it unused
    )
    print(own, flush=True)  # noqa: T201
    uvicorn.Server(config).run(sockets=[listener])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cloud.payments.fake", description="A fake of Stripe.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=0, help="port to listen on; 0: any that is free")
    add("--data", type=Path, required=True, help="the file that everything is kept in")
    add("--key", default="sk_test_fake", help="the secret key to ask for")
    add("--webhook", default="", help="where to send webhooks")
    add("--webhook-secret", default="", help="what to sign webhooks with")
    add("--address", default="", help="how browsers reach this fake, if by another address")
    add("--seed", default="", help="makes the same ids at each run")
    add("--stopped-at", type=float, help="stop the clock at so many seconds since 1970")
    add("--retry-wait", type=float, default=0.5, help="seconds before the second attempt")
    add("--parent", type=int, default=0, help="the process that this one ends with")
    return parser


if __name__ == "__main__":
    main()
