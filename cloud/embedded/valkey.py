"""A Valkey of our own, in a folder. A redis-server does as well."""

import signal
import socket
from pathlib import Path
from typing import Final

from cloud.embedded.account import Account
from cloud.embedded.files import write_private
from cloud.embedded.home import Home
from cloud.embedded.kept import Signals
from cloud.embedded.programs import runnable, wheel_valkey
from cloud.embedded.server import Server

USER: Final = "default"
CONFIG: Final = "server.conf"


class Valkey(Server):
    """`program`: the server's executable, by default the wheel's. `durable`: what it holds
    survives it, and all but the last second the machine's death."""

    signals = Signals(gentle=signal.SIGTERM, harsh=signal.SIGKILL)

    def __init__(
        self,
        folder: Path,
        program: Path | None = None,
        *,
        durable: bool = True,
        patience: float = 60.0,
    ) -> None:
        self._program = program or wheel_valkey()
        super().__init__(Home(folder, self._program.resolve().name), patience)
        self._durable = durable

    def url(self, database: int = 0) -> str:
        """Return the address of one of its 16 databases."""
        return f"redis://:{self._password()}@127.0.0.1:{self._port}/{database}"

    def _password(self) -> str:
        return self._home.passwords.of(USER)

    def _prepare(self, account: Account) -> Path:
        program = runnable(self._program, account)
        self._home.data.mkdir(mode=0o700, exist_ok=True)
        account.own(self._home.data)
        config = self._home.data / CONFIG
        write_private(config, _config(self._password(), durable=self._durable).encode())
        account.own(config)
        return program

    def _arguments(self, port: int, data: str) -> list[str]:
        return [f"{data}/{CONFIG}", "--port", str(port), "--dir", data]

    def _ready(self, port: int) -> bool:
        return _answers(port, self._password())


def _config(password: str, *, durable: bool) -> str:
    """Return the configuration. A password on the command line would be everybody's to read."""
    lines = (
        "bind 127.0.0.1",
        f"requirepass {password}",
        "daemonize no",
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
        "appendfsync everysec",
        "databases 16",
    )
    return "\n".join(lines) + "\n"


def _answers(port: int, password: str) -> bool:
    """Whether the server at `port` is the one with this password, and has read its data."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as answers:
                return answers.read().startswith(b"+OK\r\n+PONG\r\n")
    except OSError:
        return False
