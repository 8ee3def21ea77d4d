"""A cloud outside the namespaces, for all scenes, and an evening for each.

Nothing here is skipped: where a tool or namespaces are missing, that is a failure.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.cloud.run.served import Served, served, until
from tests.network.evening import Evening, short_folder
from tests.network.namespaces import INSIDE

TOOLS: Final = ("ip", "nft", "faketime", "unshare", "nsenter")


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """Fail at once, with what to do, where something is missing."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.fail(f"{tool} is not installed: run `make setup-tests` (scripts/setup tests)")
    tried = subprocess.run([*INSIDE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.fail(f"this machine lets nobody make namespaces: {tried.stderr}")


@pytest.fixture(scope="session")
def cloud(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`usher-cloud serve` with a worker and servers of its own."""
    with served(tmp_path_factory.mktemp("cloud"), USHER_WORKERS="1") as service:
        yield service


@pytest.fixture(scope="session")
def way_out(cloud: Served) -> Iterator[Path]:
    """The Unix socket behind which the cloud is."""
    with short_folder() as folder:
        path = Path(folder) / "way-out"
        port = str(urlsplit(cloud.address).port)
        words = [sys.executable, "-m", "tests.network.relay", "reach", "127.0.0.1", port, str(path)]
        with subprocess.Popen(words) as process:
            try:
                until(path.exists, 30)
                yield path
            finally:
                process.terminate()


@pytest.fixture
def evening(cloud: Served, way_out: Path) -> Iterator[Evening]:
    """An organizer of this test's own, with an event and a folder for its gates."""
    (token,) = cloud.tokens(1).values()
    with short_folder() as folder:
        made = Evening(cloud, way_out, Path(folder), token)
        yield made
        made.organizer.close()
