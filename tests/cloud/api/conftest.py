"""What the tests of the whole API share."""

from typing import Any

import pytest

from tests.cloud.api.operations import Operation, every
from tests.cloud.api.scene import Side, side
from tests.cloud.service import Service, good


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    """The description, as it is served."""
    return good(service.client().get("/v1/openapi.json"))


@pytest.fixture(scope="module")
def operations(document: Any) -> list[Operation]:
    """Every operation."""
    return every(document)


@pytest.fixture(scope="module")
def ours(service: Service) -> Side:
    """An organizer with a row of everything."""
    return side(service)


@pytest.fixture(scope="module")
def theirs(service: Service) -> Side:
    """Another one, who knows all ids of the first."""
    return side(service)
