"""Real servers for a test session: PostgreSQL, Valkey, and Debian's PostgreSQL where it is.

Fixtures are imported by conftest.py:

    from tests.cloud.servers import debian_postgres, postgres, valkey
"""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Final, LiteralString

import asyncpg
import pytest

from cloud.embedded.postgres import Postgres
from cloud.embedded.programs import debian_postgres as debian_programs
from cloud.embedded.valkey import Valkey

NUMBERS: Final = count()
CONNECTIONS: Final = 200  # pools of several processes at once
CREATE: Final[LiteralString] = 'CREATE DATABASE "{}" TEMPLATE template0'
DROP: Final[LiteralString] = 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)'


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The embedded PostgreSQL; `fresh_database` makes databases in it."""
    folder = tmp_path_factory.mktemp("postgres")
    server = Postgres(folder, durable=False, max_connections=CONNECTIONS)
    with server.running():
        yield server


@pytest.fixture(scope="session")
def debian_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Debian's PostgreSQL, started by us; without it, tests that ask for it are skipped."""
    programs = debian_programs()
    if programs is None:
        pytest.skip("Debian's PostgreSQL is not installed")
    folder = tmp_path_factory.mktemp("debian")
    server = Postgres(folder, programs, durable=False, max_connections=CONNECTIONS)
    with server.running():
        yield server


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """The embedded Valkey, which keeps nothing."""
    with Valkey(tmp_path_factory.mktemp("valkey"), durable=False).running() as server:
        yield server


def fresh_database(server: Postgres) -> str:
    """Make an empty database that nobody else has; return its name."""
    name = f"fresh_{os.getpid()}_{next(NUMBERS)}"
    _execute(server.superuser_url, CREATE.format(name))
    return name


def drop_database(server: Postgres, name: str) -> None:
    """Remove a database, whoever is still connected."""
    _execute(server.superuser_url, DROP.format(name))


def _execute(address: str, sql: str) -> None:
    """Run a statement; in a thread, so that a test with a running loop may ask as well."""

    async def run() -> None:
        conn = await asyncpg.connect(address)
        try:
            await conn.execute(sql)
        finally:
            await conn.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()
