"""Practice: decisions as always, and nothing in the log but the two marks."""

import pytest

from edge.gate.acts import Act
from shared.log.record import Kind
from tests.edge.gates import STAFFED, SUE, Site, chained
from tests.edge.test_staff import refused


@pytest.fixture
def practising(site: Site) -> Site:
    """Return a gate whose north lane practises."""
    site.scan("standing")
    site.gate.lanes.practise("north", on=True)
    return site


def test_practice_decides_as_always_and_writes_nothing(practising: Site) -> None:
    """Every kind of outcome; the log has two marks more in the end."""
    before = practising.raws()
    seen = []
    for label, lane in (("seated", "north"), ("seated", "north"), ("family", "north")):
        verdict = practising.scan(label, lane)
        assert verdict.practice
        seen.append(verdict.code)
    assert seen == ["admitted", "already_admitted", "admitted"]
    held = practising.scan("waiver")
    practising.gate.desk.resolve("north", held.scan, Act(answers={1: "yes", 2: ""}))
    denied = practising.scan("revoked")
    act = Act(override="emergency")
    done = practising.gate.desk.resolve("north", denied.scan, act, practising.badge(SUE))
    practising.gate.desk.undo("north", done.scan)
    practising.scan("no ticket at all")
    practising.gate.keep_counts()
    practising.gate.lanes.practise("north", on=False)
    assert practising.raws()[: len(before)] == before
    assert [(r.kind, r.reason) for r in practising.records()[len(before) :]] == [(Kind.MARK, 5)]
    assert practising.gate.stores.log.counted() == {}
    chained(practising)


def test_practice_begins_with_a_mark_and_with_nobody_inside(practising: Site) -> None:
    """Whoever is really inside can be practised with."""
    assert [record.reason for record in practising.records(Kind.MARK)] == [4]
    assert practising.gate.board.counts("north").inside == 0
    assert practising.code_of("standing") == "admitted"
    assert practising.gate.board.counts("south").inside == 1


def test_practice_at_one_lane_is_not_practice_at_another(practising: Site) -> None:
    """The others go on for real."""
    practising.scan("seated")
    real = practising.scan("seated", "south")
    assert (real.code, real.practice) == ("admitted", False)


def test_behind_practice_all_is_as_it_was(practising: Site) -> None:
    """No scan of it can be gone on with, and the ticket is as unused as before."""
    admitted = practising.scan("seated")
    practising.gate.lanes.practise("north", on=False)
    assert refused(practising.gate.desk.undo, "north", admitted.scan) == "scan_unknown"
    assert practising.code_of("seated") == "admitted"
    assert practising.code_of("standing") == "already_admitted"


def test_practice_does_not_outlive_a_restart(practising: Site) -> None:
    """A gate that starts is a real one."""
    practising.reopen()
    assert not practising.gate.lanes.get("north").practice
    assert not practising.scan("seated").practice


def test_practice_is_begun_by_somebody_on_duty(site: Site) -> None:
    """And twice is once."""
    practise = site.gate.lanes.practise
    assert refused(practise, STAFFED, on=True) == "not_signed_in"
    site.sign_in()
    practise(STAFFED, on=True)
    practise(STAFFED, on=True)
    assert [record.reason for record in site.records(Kind.MARK)] == [4]
