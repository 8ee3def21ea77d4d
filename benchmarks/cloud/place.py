"""Where the suites of the cloud run: real servers whose commits survive the machine's death.

with own_place() as place:                    # PostgreSQL with fsync on, and Valkey
    hall = open_hall(place)                   # a tenant with an event whose doors are open
    with place.serve(hall, 2) as port:        # `usher-cloud serve`, as an operator runs it
        ...
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import httpx
import msgspec

from benchmarks.report import Row
from cloud.commands.serve import environment
from cloud.embedded.ports import free_port
from cloud.embedded.postgres import Postgres
from cloud.embedded.valkey import Valkey
from cloud.settings import Settings
from cloud.telemetry import configure_logs
from tests.cloud.database import Database, copy_template, drop, make_template
from tests.cloud.service import VENUE, Service, Tenant, good, running

NAME: Final = "http://127.0.0.1:1"  # what the service calls itself in tokens, whatever its port
START: Final = 60.0  # seconds
CONNECTIONS: Final = 200


@dataclass(frozen=True)
class Place:
    """A migrated database, a Valkey, a folder, and what runs the service in so many processes."""

    database: Database
    redis_url: str
    folder: Path
    serve: "Serve"


class Hall(NamedTuple):
    """A tenant with an event of one class, and who may do everything in it."""

    place: Place
    settings: Settings
    tenant: UUID
    event: UUID
    bearer: str  # the owner's Authorization header

    @property
    def path(self) -> str:
        """What the event's routes begin with."""
        return f"/v1/tenants/{self.tenant}/events/{self.event}"


Serve = Callable[[Hall, int], AbstractContextManager[int]]


@contextmanager
def own_place() -> Iterator[Place]:
    """Start servers of our own, with every commit on the disk before it is answered."""
    with (
        tempfile.TemporaryDirectory(prefix="usher-") as name,
        Postgres(Path(name) / "postgres", max_connections=CONNECTIONS).running() as postgres,
        Valkey(Path(name) / "valkey").running() as valkey,
    ):
        make_template(postgres.superuser_url)
        database = copy_template(postgres.superuser_url)
        try:
            yield Place(database, valkey.url(), Path(name), served)
        finally:
            drop(database)


def open_hall(place: Place, capacity: int = 0) -> Hall:
    """Make a tenant with an event whose doors are open, and `capacity` tickets for sale."""
    more = {"public_url": NAME, "access_seconds": 3600}
    with running(place.database, place.redis_url, place.folder, **more) as service:
        owner = service.person()
        tenant = service.tenant(owner)
        event = _event(service, owner, tenant, capacity)
        settings = msgspec.structs.replace(service.settings, owner_url="")
        return Hall(place, settings, tenant.tenant_id, event, owner.headers["authorization"])


def _event(service: Service, owner: httpx.Client, tenant: Tenant, capacity: int) -> UUID:
    venue = good(owner.post(f"{tenant.path}/venues", json=VENUE), 201)
    doors = service.clock() - timedelta(hours=1)
    said = {
        "venue_id": venue["venue_id"],
        "name": "Spring Night",
        "doors_at": doors.isoformat(),
        "starts_at": (doors + timedelta(hours=2)).isoformat(),
        "ends_at": (doors + timedelta(hours=8)).isoformat(),
        "currency": "eur",
    }
    event_id = UUID(good(owner.post(f"{tenant.path}/events", json=said), 201)["event_id"])
    path = f"{tenant.path}/events/{event_id}"
    offered = {"name": "Standing", "price": 2500, "entry": {"zones": [1]}, "capacity": capacity}
    good(owner.post(f"{path}/classes", json=offered), 201)
    version = good(owner.get(path))["organizer"]["version"]
    good(owner.post(f"{path}/publish", json={"version": version}))
    return event_id


@contextmanager
def served(hall: Hall, workers: int) -> Iterator[int]:
    """Run `usher-cloud serve` with as many processes; yield its port."""
    port = free_port()
    told = msgspec.structs.replace(hall.settings, listen=f"127.0.0.1:{port}", workers=workers)
    command = [sys.executable, "-m", "cloud", "serve"]
    with process(command, port, environment(told), hall.place.folder):
        yield port


@contextmanager
def process(command: list[str], port: int, told: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a server until the end, once it answers at `port`; what it logs goes to a file."""
    with (folder / f"{port}.log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | told, stdout=log, stderr=log)
        try:
            _await(server, port)
            yield
        finally:
            server.terminate()
            server.wait(START)


def _await(server: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez", timeout=1, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")


def tell(rows_of: Callable[[Place], list[Row]]) -> None:
    """Print a suite's rows as JSON."""
    configure_logs("WARNING")
    with own_place() as place:
        rows = rows_of(place)
    sys.stdout.buffer.write(msgspec.json.encode(rows))
