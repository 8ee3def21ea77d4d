"""Thousands of evenings on which everything goes wrong, and what must hold after each."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulators.conftest import PARTS, SEEDS, Players

FEWEST_SCANS = 200
# What every long run has to meet, or it has proved nothing about it.
MET = (
    "clock jump", "crash", "device revoked", "disk set back", "entry flagged degraded",
    "internet gone", "message doubled", "message late", "message lost", "partition",
    "power cut while writing", "tickets revoked and passed on",
    "incident: double_admission", "incident: equivocation", "incident: log_truncated",
    "incident: revoked_admission", "incident: superseded_admission", "incident: unproved_override",
    "incident: unseen_exit",
    "thief: close", "thief: flood", "thief: future", "thief: newest generation",
    "thief: override", "thief: replay", "thief: rubbish", "thief: two histories", "thief: undo",
)  # fmt: skip


@pytest.fixture(scope="module")
def played(players: Players) -> list[dict[str, Any]]:
    """Return what each part has met, once all are over."""
    for part, process in enumerate(players.processes, 1):
        code = process.wait()
        log = players.results(part).with_suffix(".log").read_text()
        assert code == 0, log
    return [json.loads(players.results(part).read_text()) for part in range(1, PARTS + 1)]


def test_the_invariants_hold_on_every_evening(played: list[dict[str, Any]]) -> None:
    broken = {seed: story for part in played for seed, story in part["broken"].items()}
    assert not broken, "\n\n".join(broken.values())
    assert sum(part["evenings"] for part in played) == SEEDS


def test_every_evening_has_scans_enough(played: list[dict[str, Any]]) -> None:
    assert min(part["fewest scans"] for part in played) >= FEWEST_SCANS


def test_every_fault_and_every_kind_of_incident_was_met(
    played: list[dict[str, Any]], record_property: Callable[[str, object], None]
) -> None:
    evenings: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for part in played:
        for what, (in_evenings, how_often) in part["met"].items():
            evenings[what] += in_evenings
            times[what] += how_often
    table = [f"{evenings[what]:8,} {times[what]:10,}  {what}" for what in sorted(times)]
    record_property("met", table)
    print("\n".join(["evenings      times", *table]))  # noqa: T201  shown by -s, and when it fails
    missing = [what for what in MET if not times[what]]
    assert not missing


def test_a_seed_is_one_story_in_every_process() -> None:
    """Else a seed that broke in CI would tell nothing to whoever plays it again."""
    told = {
        subprocess.run(
            [sys.executable, "-m", "tests.simulators", "17"],
            env=os.environ | {"PYTHONHASHSEED": each}, capture_output=True, check=True,
        ).stdout
        for each in ("0", "7")
    }  # fmt: skip
    assert len(told) == 1
    assert b"all is mended" in told.pop()
