"""A whole appliance for tests: a folder as a technician leaves it, and its real processes.

with Appliance.make(folder) as gate:
    gate.start()                     # `usher-edge run`, on a free port
    gate.get("/health.json")         # over TLS, trusting the venue's authority
    gate.kill()                      # SIGKILL
    gate.start()                     # and everything goes on
"""

import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import msgspec

from edge.commands.access import make_key
from edge.practice.organizer import Organizer
from edge.practice.place import KIOSK, practice_settings, provision
from edge.practice.world import PIN, World
from edge.settings import Settings

API_KEY = "k" * 43
KIOSK_KEY = "K" * 43
STARTING = 40.0  # seconds, on a busy machine


def never(message: str) -> Any:
    """What a command calls to end; no test gets here."""
    raise AssertionError(message)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def toml_of(settings: Settings) -> str:
    """Return settings as the file that they are read from."""
    values = msgspec.to_builtins(settings)
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    lists = {name: v for name, v in values.items() if isinstance(v, list | tuple) and v}
    lines = [
        f"{name} = {msgspec.json.encode(value).decode()}"
        for name, value in values.items()
        if name not in tables and not isinstance(value, list | tuple)
    ]
    for name, each in [*tables.items(), *((n, row) for n, rows in lists.items() for row in rows)]:
        lines.append(f"[[{name}]]" if name in lists else f"[{name}]")
        lines += [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in each.items()]
    return "\n".join(lines) + "\n"


class Appliance:
    """One gate and its processes; all of them end with the `with` block."""

    def __init__(self, folder: Path, settings: Settings, world: World) -> None:
        self.folder = folder
        self.settings = settings
        self.world = world
        self.pin = PIN
        self.file = folder / "gate.toml"
        self.file.write_text(toml_of(settings), encoding="utf-8")
        self.agent: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []
        self._client: httpx.Client | None = None

    @classmethod
    def make(
        cls,
        folder: Path,
        *,
        tickets: int = 40,
        camera: bool = False,
        settings: Settings | None = None,
    ) -> "Appliance":
        """Provision a gate in a folder."""
        made = settings or practice_settings(folder, "127.0.0.1", free_port(), camera=camera)
        world = World.make(int(time.time()), tickets=tickets)
        provision(world, made)
        make_key(made, KIOSK, KIOSK_KEY, never)
        make_key(made, "turnstile", API_KEY, never)
        return cls(folder, made, world)

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"https://localhost:{self.settings.web.port}"

    @property
    def ca(self) -> Path:
        """The venue authority's certificate."""
        return self.settings.data_folder / "ca.crt"

    @property
    def organizer(self) -> Organizer:
        """Whoever sold the tickets."""
        return self.world.organizer

    def badge(self, person: str = "Sue Supervisor") -> str:
        """Return the text of somebody's badge."""
        return self.organizer.badge(person)

    def start(self) -> None:
        """Run the agent and wait until it answers."""
        self.agent = self.command("run", wait=False)
        until = time.monotonic() + STARTING
        while time.monotonic() < until:
            if self.agent.poll() is not None:
                raise AssertionError(f"the agent ended with {self.agent.returncode}")
            with suppress(httpx.TransportError):
                self.get("/health.json")
                return
            time.sleep(0.05)
        raise AssertionError("the agent does not answer")

    def kill(self) -> None:
        """Kill the agent as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the agent to end; return its exit code."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let the agent hang."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def command(self, *words: str, wait: bool = True) -> subprocess.Popen[bytes]:
        """Run `usher-edge` with this gate's settings."""
        line: Sequence[str] = (sys.executable, "-m", "edge", "-c", str(self.file), *words)
        if wait:
            return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            process = subprocess.Popen(line, stdout=log, stderr=log)
        self._others.append(process)
        return process

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask the agent."""
        return self.client.get(path, **options)

    def scan(self, text: str, people: int = 1) -> dict[str, Any]:
        """Scan at the third party's lane; return the verdict."""
        answer = self.client.post(
            "/v1/scan",
            json={"text": text, "people": people},
            headers={"Authorization": f"Bearer {API_KEY}"},
        )
        answer.raise_for_status()
        verdict: dict[str, Any] = answer.json()
        return verdict

    @property
    def client(self) -> httpx.Client:
        """A client that trusts the venue's authority."""
        if self._client is None:
            trusted = ssl.create_default_context(cafile=self.ca)
            self._client = httpx.Client(base_url=self.url, verify=trusted, timeout=20)
        return self._client

    def __enter__(self) -> "Appliance":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.close()
        for process in self._others:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.agent is None:
            raise AssertionError("the agent was not started")
        return self.agent

    def _end(self, number: int) -> int:
        process = self._running()
        process.send_signal(number)
        process.communicate(timeout=20)
        if self._client is not None:
            self._client.close()
            self._client = None
        return process.returncode
