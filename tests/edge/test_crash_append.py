"""Killed at any step of writing: after a restart every green ever shown is in the log."""

import shutil
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from tests.edge.crashing import Shown, all_shown, dying_at, greens, scanning, written
from tests.edge.gates import Site, Time, chained

STEPS: Final = ("begin", "record", "blob", "commit", "committed", "mirrored")
SCANS: Final = (
    ("standing", "north", 1),
    ("family", "south", 3),  # three records in one transaction
    ("standing", "out", 1),  # with a blob
    ("revoked", "north", 1),  # a refusal
    ("standing", "garden", 1),
    ("standing", "north", 1),  # a move: two records and a blob
)
TICKETS: Final = ("standing", "family", "revoked", "standing 2")
MOST: Final = 14


def at(site: Site, folder: Path) -> Site:
    """Return a copy of a gate that was not opened yet."""
    shutil.copytree(site.folder, folder / "data")
    return Site(site.world, replace(site.settings, data=str(folder / "data")), site.me, Time())


def after(site: Site, shown: list[Shown]) -> int:
    """Restart a gate and check what was promised; return how many records it has."""
    site.open()
    try:
        missing = greens(shown) - written(site, TICKETS)
        assert not missing, "a green that was shown is not in the log"
        chained(site)
        assert site.code_of("standing 2") in ("admitted", "already_admitted")
        return chained(site)
    finally:
        site.close()


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_passing_of_a_step(shut: Site, swift: Path, step: str) -> None:
    """From the BOOT record on, through every scan, one process for each."""
    died = 0
    for times in range(1, MOST):
        gate = at(shut, swift / f"{times}")
        shown = all_shown(scanning(gate, SCANS, dying_at(step, times)))
        died += len(shown) < len(SCANS)
        after(gate, shown)
        if len(shown) == len(SCANS):
            break
    assert died >= 2, "the step was passed, and the process died there"


def test_a_scan_that_was_not_written_was_not_shown(shut: Site, swift: Path) -> None:
    """Killed before the commit of the first scan: no verdict came, and no record is left."""
    gate = at(shut, swift / "x")
    shown = all_shown(scanning(gate, SCANS, dying_at("commit", 2)))  # the first is the BOOT's
    assert shown == []
    gate.open()
    assert not written(gate, TICKETS)
    gate.close()


def test_killed_again_and_again_on_one_disk(shut: Site) -> None:
    """Each boot goes on from where the last one was cut off, at another step each time."""
    shown: list[Shown] = []
    lanes = ("north", "out")
    for round_ in range(12):
        scans = [("standing", lanes[(round_ + i) % 2], 1) for i in range(2)]
        probe = dying_at(STEPS[round_ % len(STEPS)], 2 + round_ % 3)
        shown += all_shown(scanning(shut, scans, probe))
    assert after(shut, shown) >= 12
    assert int.from_bytes(_last(shut)[20:24], "big") >= 12


def _last(site: Site) -> bytes:
    site.open()
    try:
        return site.raws()[-1]
    finally:
        site.close()
