"""A façade to be told what to do, from a test: in a thread, or as a process."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.cloud.ledger.rpc.facade.app import App
from tests.cloud.serving import serving


class Facade:
    """A node at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._http = httpx.Client(timeout=60, trust_env=False)

    def fault(self, method: str, kind: str, **told: Any) -> None:
        """Have the next call of a method go wrong (faults.py); `times`: the next few."""
        self.tell(fault={"method": method, "kind": kind, **told})

    def tell(self, **told: Any) -> Any:
        """Tell it: `clear`, `later` (seconds), `behind`, `settling`, `fees`, `release`."""
        answer = self._http.post(f"{self.address}/faults", json=told)
        answer.raise_for_status()
        return answer.json()

    def met(self, method: str) -> int:
        """Return how often a method was called."""
        return int(self.tell()["met"].get(method, 0))

    def last(self, method: str) -> Any:
        """Return the parameters that a method was last called with."""
        return self.tell()["last"][method]

    def ask(self, method: str, params: Any) -> Any:
        """Ask it as a stranger would."""
        return json.loads(self.raw(method, params))

    def raw(self, method: str, params: Any) -> str:
        """Ask it, and return what it writes."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self._http.post(self.address, json=asked).text

    def close(self) -> None:
        """Hang up."""
        self._http.close()


@contextmanager
def serving_facade(url: str, clock: Callable[[], float]) -> Iterator[Facade]:
    """Run one in a thread, by a clock of the test's."""
    with serving(lambda: App(url, clock)) as address:
        yield from _told(Facade(address))


@contextmanager
def running(url: str) -> Iterator[Facade]:
    """Run one as a process, which outlives whoever is killed beside it."""
    command = [sys.executable, "-m", "tests.cloud.ledger.rpc.facade", url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the façade did not start"
        try:
            yield from _told(Facade(address))
        finally:
            process.communicate(timeout=60)


def _told(facade: Facade) -> Iterator[Facade]:
    try:
        yield facade
    finally:
        facade.close()
