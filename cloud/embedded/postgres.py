"""A PostgreSQL of our own, in a folder."""

import signal
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cloud.embedded import cluster
from cloud.embedded.account import Account
from cloud.embedded.failed import written_at
from cloud.embedded.home import Home
from cloud.embedded.kept import Signals
from cloud.embedded.programs import wheel_postgres
from cloud.embedded.server import Server

SOCKET_LIMIT: Final = 107  # bytes of a Unix socket's path

SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    # A hall fills within a minute, the default: until then the planner knows of no record.
    "autovacuum_naptime": "10s",
    "max_wal_senders": "2",  # for pg_basebackup
    "jit": "off",  # our queries end before it has compiled them
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and the values in a constraint's error may be about a person.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
NOT_DURABLE: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class Postgres(Server):
    """`programs`: any PostgreSQL's `bin` folder, by default the wheel's. Not `durable`, for
    tests: a killed server may lose its last commits, and a machine that crashes all of them."""

    signals = Signals(gentle=signal.SIGINT, harsh=signal.SIGQUIT)

    def __init__(
        self,
        folder: Path,
        programs: Path | None = None,
        *,
        durable: bool = True,
        max_connections: int = 100,
        patience: float = 60.0,
    ) -> None:
        super().__init__(Home(folder, "postgres"), patience)
        self._programs = programs
        self._durable = durable
        self._max_connections = max_connections

    def stop(self, *, fast: bool = True) -> None:
        """Return when it has ended. Not fast: it first waits for its clients to go."""
        if fast:
            super().stop()
        else:
            self._end((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT))

    @property
    def superuser_url(self) -> str:
        """The address for who may do everything."""
        return self.url(cluster.SUPERUSER, "postgres")

    def password(self, user: str) -> str:
        """Return the password that this folder keeps for a user, made when first asked for.

        To give it to the role is the caller's: `ALTER ROLE`.
        """
        with written_at(self._home.folder):
            return self._home.passwords.of(user)

    def url(self, user: str, database: str) -> str:
        """Return the address of a database for a user."""
        who = f"{quote(user, safe='')}:{self.password(user)}"
        return f"postgresql://{who}@127.0.0.1:{self._port}/{quote(database, safe='')}"

    def socket_url(self, user: str, database: str) -> str:
        """Return the same by Unix socket; over TCP where the folder's path is too long."""
        place = str(self._home.data)
        if len(f"{place}/.s.PGSQL.{self._port}".encode()) > SOCKET_LIMIT:
            return self.url(user, database)
        who = f"{quote(user, safe='')}:{self.password(user)}"
        where = f"host={quote(place, safe='')}&port={self._port}"
        return f"postgresql://{who}@/{quote(database, safe='')}?{where}"

    def _prepare(self, account: Account) -> Path:
        programs, major = cluster.usable(self._programs or wheel_postgres(), account)
        cluster.ensure(self._home, programs, account, major, durable=self._durable)
        return programs / "postgres"

    def _arguments(self, port: int, data: str) -> list[str]:
        settings = SETTINGS | ({} if self._durable else NOT_DURABLE)
        settings |= {
            "port": str(port),
            "unix_socket_directories": data,
            "max_connections": str(self._max_connections),
        }
        named = (("-c", f"{name}={value}") for name, value in settings.items())
        return ["-D", data, *chain.from_iterable(named)]

    def _ready(self, port: int) -> bool:
        """Whether postmaster.pid says so, as pg_ctl asks it too: port and state stand in it."""
        try:
            lines = (self._home.data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return False
        return [line.strip() for line in (*lines[3:4], *lines[7:8])] == [str(port), "ready"]
