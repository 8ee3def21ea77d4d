"""What the tests of devices share."""

import pytest

from tests.cloud.devices.house import House
from tests.cloud.service import Service


@pytest.fixture
def house(service: Service) -> House:
    """A tenant of a test's own."""
    return House(service)
