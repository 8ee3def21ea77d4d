"""One word for how a gate is: each fault alone, and which of several is told."""

from typing import Any

import pytest

from cloud.devices.model import (
    BATTERY_LOW,
    DISK_LOW,
    PATIENCE,
    QUEUE_LONG,
    SILENCE,
    Document,
    Expected,
    Standing,
    judge,
)
from shared.wire import CameraReport, Report

FINE = Report(
    at=1_800_000_000_000, software="usher 1", keyset=3, roster=5, obeyed=0, manifests=(),
    waiting=0, disk_free=DISK_LOW, clock="trusted",
    cameras=(CameraReport("front", connected=True, fps=29.5),), battery=BATTERY_LOW,
    on_power=False, peers=2, incarnation=4, locked="",
)  # fmt: skip
HELD = Expected(held=9, behind=PATIENCE, soon=True)
GATE = Standing(
    revoked=False, report=FINE, silent=SILENCE,
    keyset=Document(3, 0), roster=Document(5, 0), events=(HELD,),
)  # fmt: skip
LOST = CameraReport("side", connected=False, fps=0)


def said(**changed: Any) -> Standing:
    """A gate that reports something else."""
    report = {field: getattr(FINE, field) for field in FINE.__struct_fields__} | changed
    return GATE._replace(report=Report(**report))


def test_at_every_limit_it_is_ready() -> None:
    """A second, a byte or a percent more would be a fault."""
    assert judge(GATE) == "ready"
    assert judge(said(waiting=QUEUE_LONG, clock="carried")) == "ready"


FAULTS = {
    "revoked": GATE._replace(revoked=True),
    "never_seen": GATE._replace(report=None),
    "no_contact": GATE._replace(silent=SILENCE + 0.1),
    "locked": said(locked="lock_after"),
    "clock_untrusted": said(clock="none"),
    "keyset_old": GATE._replace(keyset=Document(4, PATIENCE + 1)),
    "roster_old": GATE._replace(roster=Document(6, PATIENCE + 1)),
    "no_manifest": GATE._replace(events=(HELD, Expected(0, 0, soon=True))),
    "manifest_ahead": GATE._replace(events=(HELD._replace(behind=0, ahead=True),)),
    "manifest_old": GATE._replace(events=(HELD._replace(behind=PATIENCE + 1, soon=False),)),
    "disk_full": said(disk_free=DISK_LOW - 1),
    "camera_missing": said(cameras=(*FINE.cameras, LOST)),
    "battery_low": said(battery=BATTERY_LOW - 1),
    "queue_long": said(waiting=QUEUE_LONG + 1),
    "stamps_ahead": said(stamps_until=FINE.at + 3_600_000),
}


@pytest.mark.parametrize("word", FAULTS)
def test_each_fault_has_its_word(word: str) -> None:
    """And only that one is wrong."""
    assert judge(FAULTS[word]) == word


FINE_AS_WELL = {
    "a newer list that it has had no time to take": GATE._replace(keyset=Document(4, PATIENCE)),
    "a newer roster than ours": said(roster=6),
    "an event that is not soon": GATE._replace(events=(Expected(0, 999, soon=False),)),
    "no event": GATE._replace(events=()),
    "no camera": said(cameras=()),
    "an empty battery on power": said(battery=1, on_power=True),
    "no battery": said(battery=None, on_power=None),
    "no list anywhere": GATE._replace(keyset=Document(0, 0), roster=Document(0, 0)),
}


@pytest.mark.parametrize("case", FINE_AS_WELL)
def test_what_is_no_fault(case: str) -> None:
    """It is ready all the same."""
    assert judge(FINE_AS_WELL[case]) == "ready"


def test_of_several_faults_the_first_is_told() -> None:
    """In the order of the table: whoever mends one hears of the next."""
    worst = said(
        locked="wiped", clock="none", disk_free=0, cameras=(LOST,), battery=0,
        waiting=QUEUE_LONG + 1, stamps_until=FINE.at + 3_600_000,
    )._replace(
        keyset=Document(4, PATIENCE + 1), roster=Document(6, PATIENCE + 1),
        events=(Expected(0, 0, soon=True), HELD._replace(behind=PATIENCE + 1)),
    )  # fmt: skip
    told = []
    mend: dict[str, Any] = {
        "locked": {"locked": ""}, "clock_untrusted": {"clock": "trusted"},
        "disk_full": {"disk_free": DISK_LOW}, "camera_missing": {"cameras": ()},
        "battery_low": {"battery": None}, "queue_long": {"waiting": 0},
        "stamps_ahead": {"stamps_until": 0},
    }  # fmt: skip
    lists: dict[str, Any] = {
        "keyset_old": {"keyset": GATE.keyset}, "roster_old": {"roster": GATE.roster},
        "no_manifest": {"events": worst.events[1:]}, "manifest_old": {"events": ()},
    }  # fmt: skip
    while (word := judge(worst)) != "ready":
        told.append(word)
        if word in lists:
            worst = worst._replace(**lists[word])
        else:
            assert worst.report is not None
            fields = {name: getattr(worst.report, name) for name in FINE.__struct_fields__}
            worst = worst._replace(report=Report(**(fields | mend[word])))
    assert told == [
        "locked", "clock_untrusted", "keyset_old", "roster_old", "no_manifest", "manifest_old",
        "disk_full", "camera_missing", "battery_low", "queue_long", "stamps_ahead",
    ]  # fmt: skip
