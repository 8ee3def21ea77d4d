"""One connection for the tests of a file; each has a festival of its own."""

import asyncio
from collections.abc import Iterator

import pytest

from cloud.db.connect import Connection
from tests.cloud.checkins.hall import Hall, connected
from tests.cloud.checkins.scene import set_scene
from tests.cloud.database import Database


@pytest.fixture(scope="module")
def database_of(database: Database) -> Iterator[tuple[Database, asyncio.Runner, Connection]]:
    with asyncio.Runner() as runner:
        conn = runner.run(connected(database.app_url))
        yield database, runner, conn
        runner.run(conn.close())


@pytest.fixture
def hall(database_of: tuple[Database, asyncio.Runner, Connection]) -> Hall:
    database, runner, conn = database_of
    return Hall(set_scene(database), runner, conn)
