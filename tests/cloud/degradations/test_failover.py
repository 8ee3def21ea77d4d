"""A standby takes over while orders come: some are refused, none that was answered is lost."""

import socket
from collections.abc import Iterator

import pytest

from cloud.db.connect import connect
from tests.cloud.database import Database, awaited
from tests.cloud.degradations.load import load
from tests.cloud.degradations.pair import Pair, pair, postgresql_fails_over
from tests.cloud.service import Service, running


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture(scope="module")
def service(
    servers: Pair, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with running(servers.database, redis_url, folder) as served:
        yield served


def test_postgresql_fails_over(servers: Pair, service: Service) -> None:
    """Orders meanwhile are told so."""
    owner = service.person()
    with load(service, owner, service.tenant(owner)) as working:
        postgresql_fails_over(servers, service, working)
    assert working.answers.keys() <= {(201, ""), (503, "unavailable"), (503, "busy")}
    working.within()


def test_a_host_that_is_silent_holds_nobody_up(database: Database) -> None:
    """A machine that is gone says nothing: its neighbour is asked meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"@127.0.0.1:{silent.getsockname()[1]},"
        url = f"{database.app_url.replace('@', place)}?target_session_attrs=read-write"

        async def ask() -> bool:
            conn = await connect(url)
            try:
                return await conn.fetchval("SELECT NOT pg_is_in_recovery()") is True
            finally:
                await conn.close()

        assert awaited(ask())
