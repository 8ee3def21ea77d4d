"""Stripe's two stand-ins as processes of their own: our fake, and localstripe."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from tests.cloud.trust import TRUST

KEY: Final = "sk_test_ours"
SECRET: Final = "whsec_of_the_tests"
PATIENCE: Final = 60

# localstripe binds every interface, and leaves a file in a fixed place. Here it is given a
# listener on the loopback alone, and keeps everything in memory; it answers as it always does.
LOCALSTRIPE: Final = """
import socket
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
listener = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
web.run_app(server.app, sock=listener, print=None, access_log=None)
"""


class Running:
    """A process that prints its address once it listens."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:"), "it did not start"
        self.http = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=PATIENCE,
            trust_env=False,
            verify=TRUST,
        )

    def post(self, path: str, form: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
        """Post a form, as Stripe's clients do."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(path, data=form or {}, headers=headers)

    def test(self, act: str, /, **said: object) -> Any:
        """Ask the fake's /_test for something."""
        answer = self.http.post(f"/_test/{act}", json=said)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def forget(self) -> None:
        """Let the fake begin anew."""
        assert self.http.delete("/_test/data").status_code == 200

    def deliveries(self) -> list[dict[str, Any]]:
        """Return every webhook delivery of the fake."""
        found: list[dict[str, Any]] = self.http.get("/_test/deliveries").json()["deliveries"]
        return found

    def intent(self, amount: int = 4200, **more: object) -> dict[str, Any]:
        """Make a payment intent."""
        answer = self.post("/v1/payment_intents", {"amount": amount, "currency": "eur", **more})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def paid(self, card: str = "pm_card_visa", amount: int = 4200) -> dict[str, Any]:
        """Make a payment intent and pay it."""
        return self.intent(amount, payment_method=card, confirm="true")

    def kill(self) -> None:
        """Kill the process where it stands."""
        self.process.kill()
        self._gone()

    def stop(self) -> None:
        """Ask the process to stop, and wait until it has."""
        self.process.terminate()
        self._gone()

    def _gone(self) -> None:
        self.http.close()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def fake(data: Path, *more: str) -> Iterator[Running]:
    """Run our fake on the file *data*."""
    running = Running("-m", "cloud.payments.fake", "--data", str(data), "--key", KEY, *more)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


@contextlib.contextmanager
def localstripe() -> Iterator[Running]:
    """Run somebody else's fake."""
    running = Running("-c", LOCALSTRIPE)
    try:
        yield running
    finally:
        running.stop()
