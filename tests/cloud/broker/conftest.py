"""One broker for the tests of this folder; each has a tenant, and so queues, of its own."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests.cloud.broker.post import USERS
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """RabbitMQ, with a user for each service."""
    with Rabbit(tmp_path_factory.mktemp("rabbit"), USERS).running() as broker:
        yield broker


@pytest.fixture
def tenant(database: Database) -> UUID:
    """A tenant of the test's own."""
    return new_tenant(database)


@pytest.fixture
def other(database: Database) -> UUID:
    """Another one."""
    return new_tenant(database)


def new_tenant(database: Database) -> UUID:
    """Make a tenant."""
    made = uuid4()
    database.run(
        f"INSERT INTO tenant (tenant_id, slug, name) VALUES ('{made}', 't{made.hex[:12]}', 'T')"
    )
    return made
