"""The real cloud and real gates in one test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import database as database
from tests.cloud.conftest import redis_url as redis_url
from tests.cloud.conftest import service as service
from tests.cloud.conftest import template as template
from tests.cloud.servers import debian_postgres as debian_postgres
from tests.cloud.servers import postgres as postgres
from tests.cloud.servers import valkey as valkey
from tests.cloud.service import Service
from tests.edge.conftest import swift as swift
from tests.together.gates import Joined
from tests.together.liar import Liar, lying
from tests.together.logs import Linked
from tests.together.organizer import House

MakeGate = Callable[..., Joined]
Link = Callable[..., Linked]


@pytest.fixture
def house(service: Service) -> House:
    """An organizer of this test's own."""
    return House(service)


@pytest.fixture
def join(house: House, swift: Path) -> Iterator[MakeGate]:
    """Sets gates up that the organizer has registered, and closes them behind the test."""
    made: list[Joined] = []

    def make(name: str = "North", **settings: Any) -> Joined:
        gate = Joined(house, swift / name.lower(), name, **settings)
        made.append(gate)
        return gate

    yield make
    for each in made:
        each.close()


@pytest.fixture
def liar(house: House) -> Iterator[Liar]:
    """Somebody between a gate and the cloud."""
    with lying(house.service.address) as made:
        yield made


@pytest.fixture
def link() -> Iterator[Link]:
    """Connects gates, and lets go of the connections behind the test."""
    made: list[Linked] = []

    def linked(*where: Any) -> Linked:
        made.append(Linked(*where))
        return made[-1]

    yield linked
    for each in made:
        each.close()
