"""What the suites of sync share: the cloud as the processes that an operator runs, and gates.

with open_venue(place) as venue:            # `usher-cloud serve` with one worker process of
    ...                                     # uvicorn, and `usher-cloud work`
    door = join(venue, "north")             # a gate's folder, its key registered
    published(venue, tickets=100_000)       # wait until gates may have the event's list
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import psutil

from benchmarks.cloud.place import Hall, Place, open_hall
from cloud.commands.serve import environment
from edge.gate.setup import set_up
from edge.settings import LaneSettings, Settings, settings_of
from tests.cloud.service import good

PATIENCE: Final = 300.0  # seconds
VERSION: Final = """
    SELECT m.version, (SELECT coalesce(sum(length(records)), 0) FROM manifest_chunk c
                        WHERE c.event_id = m.event_id) / 29 AS tickets,
           (SELECT count(*) FROM manifest_change j WHERE j.event_id = m.event_id) AS waiting
      FROM manifest m WHERE m.event_id = $1
"""
FREE: Final = "UPDATE ticket_class SET price = 0 WHERE event_id = '{}'"


class Venue(NamedTuple):
    """A hall whose cloud is served at a port. `log`: what its worker says, as a file."""

    hall: Hall
    port: int
    owner: httpx.Client
    log: Path

    @property
    def place(self) -> Place:
        """Where it runs."""
        return self.hall.place

    @property
    def ref(self) -> bytes:
        """By what gates know the event."""
        (row,) = self.place.database.rows("SELECT ref FROM event WHERE event_id = $1",
                                          self.hall.event)  # fmt: skip
        return bytes(row["ref"])


class Door(NamedTuple):
    """A gate's folder and its file of settings."""

    settings: Settings
    file: Path
    device: bytes


@contextmanager
def open_venue(place: Place, capacity: int = 0) -> Iterator[Venue]:
    """Open a hall, serve its cloud by one process and work for it by another."""
    hall = open_hall(place, capacity)
    place.database.run(FREE.format(hall.event))  # an order is a sale then, without a payment
    with place.serve(hall, 1) as port, working(hall) as log:
        bearer = {"authorization": hall.bearer}
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, headers=bearer, timeout=60, trust_env=False) as owner:
            yield Venue(hall, port, owner, log)


@contextmanager
def working(hall: Hall) -> Iterator[Path]:
    """Run `usher-cloud work`; yield the file that it logs to. It mints nothing: a hall's tickets,
    which are sold here in a minute, are sold and minted long before its doors open."""
    path = hall.place.folder / "worker.log"
    command = [sys.executable, "-m", "cloud", "work"]
    with path.open("wb") as log:
        told = os.environ | environment(msgspec.structs.replace(hall.settings, ledger="off"))
        process = subprocess.Popen(command, env=told, stdout=log, stderr=log)
        try:
            yield path
        finally:
            process.terminate()
            process.wait(60)


def published(venue: Venue, tickets: int) -> int:
    """Wait until the newest list has so many tickets and nothing is to come; return its
    version."""
    database, event = venue.place.database, venue.hall.event

    def found() -> Any:
        rows = database.rows(VERSION, event)
        whole = rows and rows[0]["tickets"] == tickets and not rows[0]["waiting"]
        return rows[0]["version"] if whole else None

    return int(until(found, f"a list of {tickets:,} tickets"))


def join(venue: Venue, name: str, origin: str = "", **more: Any) -> Door:
    """Register a new gate; `origin`: by what way it reaches the cloud."""
    folder, tenant = venue.place.folder / name, venue.hall.tenant
    lane = msgspec.to_builtins(LaneSettings("north", unattended=True))
    said = {"data": str(folder / "data"), "run": str(folder / "run"), "name": name,
            "clock": "network", "power": False, "lanes": [lane],
            "cloud": {"origin": origin or f"http://127.0.0.1:{venue.port}"}}  # fmt: skip
    settings = settings_of(said | more)
    root = bytes.fromhex(good(venue.owner.get(f"/v1/tenants/{tenant}/root"))["root"])
    me = set_up(settings.data_folder, tenant.bytes, root)
    listed = {"public": me.pk.hex(), "name": name}
    good(venue.owner.post(f"/v1/tenants/{tenant}/devices", json=listed), 201)
    file = folder / "settings.json"
    file.write_bytes(msgspec.json.encode(settings))
    return Door(settings, file, me.device)


def logged(log: Path, begun: int, what: str) -> list[float]:
    """Return the `seconds` of the worker's log lines of a kind, from a place in the file on."""
    said = log.read_bytes()[begun:].splitlines()
    lines = [msgspec.json.decode(line) for line in said if line.startswith(b"{")]
    return [float(line["seconds"]) for line in lines if line.get("event") == what]


def until(found: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return what is found, as soon as it is."""
    end = time.monotonic() + patience
    while not (seen := found()):
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.02)
    return seen


def servers() -> list[psutil.Process]:
    """Return the processes that serve the cloud, this one where a thread of it does."""
    every = psutil.Process().children(recursive=True)
    serving = [each for each in every if {"cloud", "serve"} <= set(_words(each))]
    return [each for one in serving for each in (one, *one.children(recursive=True))] or [
        psutil.Process()
    ]


def forget_most(processes: list[psutil.Process]) -> None:
    """Count each one's most memory from here on (proc(5), clear_refs)."""
    for each in processes:
        Path(f"/proc/{each.pid}/clear_refs").write_text("5", "ascii")


def most_memory(processes: list[psutil.Process]) -> int:
    """Return the bytes of the largest of them at its worst moment."""
    return max(_status(each.pid, "VmHWM") for each in processes)


def _status(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what))


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
