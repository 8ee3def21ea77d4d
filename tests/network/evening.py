"""An evening from outside: its organizer, its tickets, and the scenes that are played in it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import msgspec

from shared.hashing import id_hash
from shared.log.record import Record, decode
from shared.token import parse
from tests.cloud.run.served import Served
from tests.network.brief import Brief
from tests.network.namespaces import INSIDE
from tests.network.organizer import OFTEN, SINGLE, Organizer
from tests.network.waiting import until

LISTED: Final = 30.0  # seconds until the worker has listed what the view shows
RECORDS: Final = """
    SELECT raw FROM record WHERE tenant_id = $1::text::uuid ORDER BY device_id, incarnation, seq
"""
SHOWN: Final = 3000  # characters of each log where a scene failed
RAISED: Final = re.compile(r"Fatal Python|(\w+\.)*[A-Z]\w*(: |$)")  # what a traceback ends with


class Evening:
    """One tenant of the cloud, whose event is tonight."""

    def __init__(self, cloud: Served, way_out: Path, folder: Path, token: str) -> None:
        self._cloud = cloud
        self._way_out = way_out
        self.folder = folder
        self._token = token
        http = cloud.client(token)
        made = http.post("/v1/tenants", json={"slug": f"t{uuid4().hex}", "name": "Harbour"})
        self.organizer = Organizer(http, made.raise_for_status().json()["tenant_id"])
        self.organizer.announce()

    def brief(self, *, single: int = 0, often: int = 0, seed: int = 0) -> Brief:
        """Sell tickets, and write down what gates' people are told."""
        codes = {
            kind: self.organizer.sell(kind, count)
            for kind, count in ((SINGLE, single), (OFTEN, often))
        }
        every = [code for some in codes.values() for code in some]
        return Brief(
            folder=str(self.folder),
            way_out=str(self._way_out),
            address=self._cloud.address,
            token=self._token,
            tenant=self.organizer.tenant,
            event=self.organizer.event,
            ref=parse(every[0]).token.event.hex(),
            single=codes[SINGLE],
            often=codes[OFTEN],
            seed=seed,
        )

    def play(self, scene: str, brief: Brief, seconds: float = 120.0) -> Any:
        """Play a scene inside namespaces of its own, and return what it tells."""
        file = self.folder / "brief.json"
        file.write_bytes(msgspec.json.encode(brief))
        words = [
            *INSIDE,
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            f"tests.network.scenes.{scene}",
            str(file),
        ]
        with (
            (self.folder / "scene.log").open("w") as log,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        ):
            try:
                told, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{scene} did not end\n{self.logs()}") from None
            finally:
                process.kill()  # and all of its namespaces with it
        code = process.returncode
        assert code == 0, (
            f"{scene}: {last_word((self.folder / 'scene.log').read_text(), code)}\n{self.logs()}"
        )
        return json.loads(told)

    def log(self) -> list[Record]:
        """Return every record that the cloud has, each device's in its order."""
        rows = self._cloud.rows(RECORDS, self.organizer.tenant)
        return [decode(row["raw"]) for row in rows]

    def listed(self, count: int) -> list[tuple[str, str]]:
        """Return what the organizer has to settle, kind and ticket, once it is that many things."""

        def look() -> list[list[tuple[str, str]]]:
            found = [(each["kind"], each["ticket"]) for each in self.organizer.incidents()]
            return [found] if len(found) == count else []

        (found,) = until(look, f"{count} incidents are listed", LISTED)
        return sorted(found)

    def logs(self) -> str:
        """Return the ends of everybody's logs."""
        files = [self.folder / "scene.log", *sorted(self.folder.glob("*/agent.log"))]
        return "\n".join(
            f"--- {f.name} of {f.parent.name}\n{f.read_text()[-SHOWN:]}" for f in files
        )


def last_word(log: str, code: int) -> str:
    """Return how a program failed, in a line: what it raised last, or how it ended without."""
    raised = [line for line in log.splitlines() if RAISED.match(line)]
    return raised[-1] if raised else f"ended with {code}, and raised nothing"


def ticket_of(code: str) -> str:
    """Return a ticket as records name it."""
    return id_hash(parse(code).token.ticket).hex()


def short_folder() -> "TemporaryDirectory[str]":
    """Return a folder whose path leaves room for the names of Unix sockets."""
    return TemporaryDirectory(prefix="usher-", ignore_cleanup_errors=True)
