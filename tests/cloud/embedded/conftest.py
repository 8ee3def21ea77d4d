"""Each kind of PostgreSQL in turn."""

import pytest

from cloud.embedded.postgres import Postgres


@pytest.fixture(params=["postgres", "debian_postgres"])
def server(request: pytest.FixtureRequest) -> Postgres:
    """The wheel's PostgreSQL, then Debian's."""
    running: Postgres = request.getfixturevalue(request.param)
    return running
