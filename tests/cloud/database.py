"""Databases for tests: a migrated template, and a copy of it for whoever asks."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from cloud.db.connect import Pool, open_pool
from cloud.db.migrate import migrate
from cloud.db.roles import prepare
from tests.cloud.published import PUBLISHED, misfits

OWNER_PASSWORD: Final = "owner"
APP_PASSWORD: Final = "app"
TEMPLATE: Final = "usher_template"
NUMBERS = count()
T = TypeVar("T")


def url(superuser: str, user: str, password: str, database: str) -> str:
    """Return the address of a database on a superuser's server, for somebody else."""
    parts = urlsplit(superuser)
    place = f"{user}:{password}@{parts.hostname}:{parts.port}"
    return urlunsplit(("postgresql", place, f"/{database}", "", ""))


@dataclass(frozen=True)
class Database:
    """A migrated database of a test's own."""

    superuser: str  # of the server, at its `postgres` database
    name: str

    @property
    def app_url(self) -> str:
        """As the service."""
        return url(self.superuser, "usher_app", APP_PASSWORD, self.name)

    @property
    def owner_url(self) -> str:
        """As the migrations."""
        return url(self.superuser, "usher_owner", OWNER_PASSWORD, self.name)

    @property
    def root_url(self) -> str:
        """As the superuser, who passes by row-level security."""
        parts = urlsplit(self.superuser)
        return urlunsplit(parts._replace(path=f"/{self.name}"))

    def run(self, sql: str) -> None:
        """Run statements as the superuser: set the scene."""
        asyncio.run(_execute(self.root_url, sql))

    def rows(self, sql: str, *args: object) -> list[Any]:
        """Return what is really there, in all tenants."""
        return asyncio.run(_fetch(self.root_url, sql, *args))

    async def pool(self, size: int = 8) -> Pool:
        """Return the service's pool."""
        return await open_pool(self.app_url, size=size)


def make_template(superuser: str) -> None:
    """Make the migrated database that others are copied from."""
    asyncio.run(_execute(superuser, f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
    asyncio.run(
        prepare(superuser, TEMPLATE, owner_password=OWNER_PASSWORD, app_password=APP_PASSWORD)
    )
    asyncio.run(migrate(url(superuser, "usher_owner", OWNER_PASSWORD, TEMPLATE)))


def copy_template(superuser: str) -> Database:
    """Return a fresh copy."""
    name = f"usher_{next(NUMBERS)}"
    made = f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} OWNER usher_owner'
    asyncio.run(_execute(superuser, made))
    return Database(superuser, name)


def drop(database: Database) -> None:
    """Remove a copy, whoever is still connected. What was published there must fit its schema."""
    found = list(misfits(database.rows(PUBLISHED)))
    asyncio.run(_execute(database.superuser, f'DROP DATABASE "{database.name}" WITH (FORCE)'))
    assert not found, "\n".join(found[:20])


async def _execute(address: str, sql: str) -> None:
    conn = await asyncpg.connect(address)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


async def _fetch(address: str, sql: str, *args: object) -> list[Any]:
    conn = await asyncpg.connect(address)
    try:
        return list(await conn.fetch(sql, *args))
    finally:
        await conn.close()


def awaited(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, in a loop of its own."""
    return asyncio.run(coroutine)
