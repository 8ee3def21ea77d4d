"""Releases that start, and do not do what they are there for."""

import zipfile
from pathlib import Path
from typing import Final, NamedTuple


class Slip(NamedTuple):
    """A line of ours, and what a bad release has in its place."""

    file: str
    line: str
    instead: str


ASKED: Final = 'raise RuntimeError("a slip")'
GATE: Final = Slip(
    "edge/web/open_routes.py", "checks = await house.workers.read(house.health.report)", ASKED
)
SERVICE: Final = Slip("cloud/http/health.py", "state = await health.readiness()", ASKED)


def with_a_slip(wheel: Path, folder: Path, slip: Slip) -> Path:
    """Return a wheel that is like `wheel` but for one line."""
    folder.mkdir()
    made = folder / wheel.name
    with zipfile.ZipFile(wheel) as good, zipfile.ZipFile(made, "w") as bad:
        for each in good.infolist():
            held = good.read(each)
            if each.filename == slip.file:
                assert held.count(slip.line.encode()) == 1
                held = held.replace(slip.line.encode(), slip.instead.encode())
            bad.writestr(each, held)
    return made
