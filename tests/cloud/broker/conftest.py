"""One broker for the tests of this folder; each has a tenant, and so queues, of its own."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.cloud.broker.post import USERS
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database
from tests.cloud.messages.post import new_tenant
from tests.cloud.messages.post import tenant as tenant


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """RabbitMQ, with a user for each service."""
    with Rabbit(tmp_path_factory.mktemp("rabbit"), USERS).running() as broker:
        yield broker


@pytest.fixture
def other(database: Database) -> UUID:
    """Another one."""
    return new_tenant(database)
