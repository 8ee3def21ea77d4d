"""Processes and endpoints of the payment tests."""

from collections.abc import Iterator

import pytest

from tests.cloud.payments import processes
from tests.cloud.payments.letterbox import Letterbox
from tests.cloud.payments.processes import SECRET, Running


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Our fake, one for all tests: starting it is what takes long."""
    data = tmp_path_factory.mktemp("fake") / "fake.db"
    with processes.fake(data, "--retry-wait", "0.05") as running:
        yield running


@pytest.fixture
def anew(fake: Running) -> Iterator[Running]:
    """Our fake without anything of another test, and without anything of this one after it."""
    fake.forget()
    yield fake
    fake.forget()


@pytest.fixture
def posting(anew: Running, letterbox: Letterbox) -> Running:
    """Our fake begun anew, which sends its webhooks to the letterbox."""
    anew.test("webhook", url=letterbox.url, secret=SECRET)
    return anew


@pytest.fixture(scope="session")
def localstripe() -> Iterator[Running]:
    """Somebody else's fake."""
    with processes.localstripe() as running:
        yield running


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    """An endpoint of one test."""
    box = Letterbox()
    yield box
    box.close()
