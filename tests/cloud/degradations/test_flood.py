"""A flood of visitors: gates are served, some visitors are told to come again, nothing is lost."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cloud.database import Database
from tests.cloud.service import Service, good, running

VISITORS = 320
SCANS = 60


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A process with few connections, so that a flood is one."""
    folder = tmp_path_factory.mktemp("service")
    with running(database, redis_url, folder, database_pool=3) as served:
        yield served


@contextmanager
def flooded(address: str, path: str, told: dict[str, list[float]]) -> Iterator[None]:
    """Send a flood while this lasts; `told` is what became of it."""
    parts = urlsplit(address)
    said = [str(parts.hostname), str(parts.port), path, str(VISITORS)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cloud.degradations.flood", *said],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd(),
    ) as process:  # fmt: skip
        try:
            yield
        finally:
            out, _ = process.communicate(timeout=120)
        told.update(json.loads(out))


def test_scans_go_on_while_visitors_flood(service: Service) -> None:
    owner = service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant, price=0, per_order=10)
    tickets = [each["ticket_id"] for each in service.buy(owner, event, 10)["items"]]
    codes = [good_text(owner.get(f"{event.path}/tickets/{each}/code.txt")) for each in tickets]
    told: dict[str, list[float]] = {}
    took, answers = [], []
    with flooded(service.address, event.path, told):
        service.until(
            lambda: service.client().get(event.path).status_code, lambda status: status == 503
        )
        for number in range(SCANS):
            began = time.monotonic()
            scanned = {"gate": 1, "code": codes[number % len(codes)]}
            answers.append(good(owner.post(f"{event.path}/redeem", json=scanned)))
            took.append(time.monotonic() - began)
    assert told.keys() == {"200", "503"}, told
    served, waited = told["200"]
    assert served > 0
    assert statistics.median(took) < waited, (took, told)  # they don't stand in one queue
    refused = service.client().get(event.path)
    assert refused.status_code == 200  # over is over
    admitted = [each for each in answers if each["code"] == answers[0]["code"]]
    assert len(admitted) == len(codes), answers


def good_text(answer: httpx.Response) -> str:
    assert answer.is_success, answer.text
    return str(answer.text)
