"""Real servers for every test of the cloud: one PostgreSQL and one Valkey a session."""

import sys
from collections.abc import Iterator

import pytest
import redis
import structlog

from cloud.embedded.postgres import Postgres
from cloud.embedded.valkey import Valkey
from tests.cloud.database import Database, copy_template, drop, make_template
from tests.cloud.servers import debian_postgres as debian_postgres
from tests.cloud.servers import postgres as postgres
from tests.cloud.servers import valkey as valkey
from tests.cloud.service import Person, Service, Tenant, running

# Services and workers run in threads beside the tests, and standard output may be that of a
# command which a test reads: what they log goes elsewhere, as their processes' logs do.
structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.__stderr__))


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """A superuser's address of the server, with the migrated template on it."""
    make_template(postgres.superuser_url)
    return postgres.superuser_url


@pytest.fixture(scope="module")
def database(template: str) -> Iterator[Database]:
    """A migrated database for the tests of one file."""
    made = copy_template(template)
    yield made
    drop(made)


@pytest.fixture(scope="module")
def redis_url(valkey: Valkey) -> str:
    """An empty Valkey: what the file before has counted is forgotten."""
    with redis.Redis.from_url(valkey.url()) as client:
        client.flushall()
    return valkey.url()


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The whole API, served for the tests of one file."""
    with running(database, redis_url, tmp_path_factory.mktemp("service")) as served:
        yield served


@pytest.fixture(scope="module")
def owner(service: Service) -> Person:
    """The owner of tenants."""
    return service.person()


@pytest.fixture
def tenant(service: Service, owner: Person) -> Tenant:
    """A tenant of the test's own."""
    return service.tenant(owner)
