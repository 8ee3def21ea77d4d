"""A PostgreSQL and its standby, which has each commit before it is answered.

with pair(folder) as servers:
    os.kill(servers.primary.pid, signal.SIGKILL)
    servers.promote()
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from cloud.embedded.postgres import Postgres
from cloud.embedded.programs import wheel_postgres
from tests.cloud.database import Database, copy_template, make_template
from tests.cloud.degradations.load import Load
from tests.cloud.service import Service

PATIENCE: Final = 120.0  # seconds
SYNCHRONOUS: Final = "ALTER SYSTEM SET synchronous_standby_names = '*'"
FOLLOWS: Final = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"


@dataclass(frozen=True)
class Both(Database):
    """A database at two servers, of which one takes writes."""

    standby_port: int

    def _both(self, url: str) -> str:
        parts = urlsplit(url)
        place = f"{parts.netloc},127.0.0.1:{self.standby_port}"
        query = "target_session_attrs=read-write"
        return urlunsplit(parts._replace(netloc=place, query=query))

    @property
    def app_url(self) -> str:
        return self._both(super().app_url)

    @property
    def root_url(self) -> str:
        return self._both(super().root_url)


@dataclass(frozen=True)
class Pair:
    """The servers, and the database of a service."""

    primary: Postgres
    standby: Postgres
    database: Both

    def promote(self) -> None:
        """Make the standby the one that takes writes."""
        at = Database(self.standby.superuser_url, "postgres")
        assert at.rows("SELECT pg_promote(true, 60)")[0][0] is True


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Lend both, running."""
    with Postgres(folder / "one", max_connections=60).running() as primary:
        make_template(primary.superuser_url)
        made = copy_template(primary.superuser_url)
        _copy(primary, folder / "one", folder / "two")
        with Postgres(folder / "two", max_connections=60).running() as standby:
            _follow(Database(primary.superuser_url, "postgres"))
            yield Pair(primary, standby, Both(made.superuser, made.name, standby.port))


def _copy(primary: Postgres, one: Path, two: Path) -> None:
    """Make a standby's folder, whose files are whose the primary's are."""
    two.mkdir(mode=0o700)
    shutil.copy2(one / "passwords", two / "passwords")
    subprocess.run(
        [wheel_postgres() / "pg_basebackup", "--dbname", primary.superuser_url, "--pgdata",
         two / "data", "--write-recovery-conf", "--checkpoint=fast"],
        check=True, timeout=PATIENCE,
    )  # fmt: skip
    owner = (one / "data").stat()
    for each in (two / "data", *(two / "data").rglob("*")):
        shutil.chown(each, owner.st_uid, owner.st_gid)


def _follow(primary: Database) -> None:
    primary.run(SYNCHRONOUS)
    primary.run("SELECT pg_reload_conf()")
    end = time.monotonic() + PATIENCE
    while not primary.rows(FOLLOWS):
        assert time.monotonic() < end
        time.sleep(0.1)


def postgresql_fails_over(servers: Pair, service: Service, work: Load) -> None:
    """By itself: nobody starts the service again, or tells it where."""
    work.until(20)
    with work.without():
        os.kill(servers.primary.pid, signal.SIGKILL)
        service.until(lambda: work.answers[503, "unavailable"], lambda seen: seen > 0, PATIENCE)
        servers.promote()
        service.until(
            lambda: service.client().get("/readyz").status_code,
            lambda status: status == 200,
            PATIENCE,
        )
    work.until(20)
