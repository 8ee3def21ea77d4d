"""One whole service for the tests that need no start of their own."""

from collections.abc import Iterator

import pytest

from tests.cloud.run.served import HOLD, Served, served


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with two processes of the API, on a folder of its own."""
    folder = tmp_path_factory.mktemp("house")
    with served(folder, USHER_WORKERS="2", USHER_HOLD_SECONDS=str(HOLD)) as service:
        yield service
