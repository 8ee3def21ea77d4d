"""`usher-cloud serve` as a process, on a folder of its own: all that a laptop would run."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from cloud.accounts.jwks import SigningKey
from cloud.keys import master_file
from cloud.keys.sealing import MasterKey
from tests.cloud.run.tokens import people, signing_key, tokens
from tests.cloud.trust import TRUST

T = TypeVar("T")
START: Final = 180.0  # seconds; this machine may be doing much else
END: Final = 90.0
HOLD: Final = 15  # seconds that a hold lasts
FAST: Final = {
    f"USHER_RATE_{what}": "1000000" for what in ("ADDRESS", "ACCOUNT", "KEY", "DEVICE", "SENSITIVE")
}


class Served:
    """A service that runs, and what is around it."""

    def __init__(self, folder: Path, log: Path, **environment: str) -> None:
        self.folder = folder
        self.log = log
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("USHER_")},
            "USHER_DATA": str(folder),
            "USHER_LISTEN": "127.0.0.1:0",
            **FAST,
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> None:
        """Start it, and wait for its address."""
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloud", "serve"],
                stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Usher is at "), f"it did not start: {self.said()[-3000:]}"
        self.address = line.removeprefix("Usher is at ").strip()

    @property
    def told(self) -> dict[str, str]:
        """What it says of its servers."""
        told: dict[str, str] = json.loads((self.folder / "running.json").read_bytes())
        return told

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self.process is not None
        return self.process.pid

    def said(self) -> str:
        """What stands in its log."""
        return self.log.read_text()

    def children(self) -> dict[int, str]:
        """Return the processes that it has started, with their command lines."""
        return children(self.pid)

    def workers(self) -> list[int]:
        """Return the processes of the API."""
        return [pid for pid, command in self.children().items() if "spawn_main" in command]

    def one(self, words: str) -> int:
        """Return the child whose command line has these words, 0 while there is none."""
        return next((pid for pid, command in self.children().items() if words in command), 0)

    def postmaster(self) -> int:
        """Return PostgreSQL's process."""
        return int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ask it to stop; return its exit code once all of it has ended."""
        assert self.process is not None
        family = descendants(self.pid)
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(END)
        until(lambda: not alive(family), END)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    @property
    def root_url(self) -> str:
        """Where its database is for a superuser, who passes by row-level security."""
        port = urlsplit(self.told["owner_url"]).port
        password = json.loads((self.folder / "postgres" / "passwords").read_bytes())["postgres"]
        return f"postgresql://postgres:{password}@127.0.0.1:{port}/usher"

    def rows(self, sql: str, *args: object) -> list[Any]:
        """Return what is really there, in all tenants."""

        async def fetch() -> list[Any]:
            conn = await asyncpg.connect(self.root_url)
            try:
                return list(await conn.fetch(sql, *args))
            finally:
                await conn.close()

        return asyncio.run(fetch())

    def one_row(self, sql: str, *args: object) -> Any:
        """Return the only row."""
        (row,) = self.rows(sql, *args)
        return row

    def client(self, token: str = "") -> httpx.Client:
        """Return a client of the API."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=self.address, headers=headers, timeout=60, trust_env=False, verify=TRUST
        )

    def fake(self) -> httpx.Client:
        """Return a client of the fake payment provider."""
        told = self.told
        headers = {"authorization": f"Bearer {told['payments_key']}"}
        return httpx.Client(
            base_url=told["payments_url"],
            headers=headers,
            timeout=60,
            trust_env=False,
            verify=TRUST,
        )

    def tokens(self, count: int) -> dict[UUID, str]:
        """Make accounts, and access tokens for them signed by the service's own key."""
        made = people(self.root_url, count)
        return tokens(made, self.key(), self.address, int(time.time()))

    def key(self) -> SigningKey:
        """Return the key that signs access tokens."""
        return signing_key(self.root_url, MasterKey(master_file.read(self.folder / "master.key")))


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Served]:
    """Serve on a folder; nothing of it is left at the end."""
    service = Served(folder / "data", folder / "log", **environment)
    service.start()
    family: set[int] = set()
    try:
        yield service
    finally:
        assert service.process is not None
        family = descendants(service.pid)
        service.stop()
        for pid in alive(family):
            os.kill(pid, signal.SIGKILL)


def children(pid: int) -> dict[int, str]:
    """Return a process's children with their command lines."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                command = Path(f"/proc/{child}/cmdline").read_bytes()
                found[child] = command.replace(b"\0", b" ").decode("utf-8", "replace")
    return found


def descendants(pid: int) -> set[int]:
    """Return every process below this one."""
    below = set(children(pid))
    return below.union(*(descendants(child) for child in below))


def alive(pids: set[int]) -> set[int]:
    """Return those that have not ended."""
    return {pid for pid in pids if _state(pid) not in ("", "Z", "X")}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def until(told: Callable[[], T], seconds: float = 120) -> T:
    """Return what is true at last."""
    end = time.monotonic() + seconds
    while not (seen := told()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return seen
