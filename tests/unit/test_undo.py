"""Taking an admission back (spec/rules.md §10)."""

import pytest

from shared.history import NOTHING, History, PoolHistory, Visit
from shared.instant import Instant
from shared.log.record import Kind
from shared.outcomes import Outcome
from shared.rules.decision import Draft, Hold
from shared.rules.undo import undo

MS = 1_800_000_000_000
VISIT = Visit(b"i" * 16, 3, 2, 5, b"d" * 16, MS, b"r" * 16)
POOL = PoolHistory(1, (VISIT,), frozenset({VISIT.right}), (), last=VISIT)
INSIDE = History({(3, 2): POOL}, frozenset({2}), VISIT, 1)
LEFT = History({(3, 2): POOL._replace(inside=())}, frozenset({2}), VISIT, 1)
ANNUL = Draft(Kind.ANNUL, 3, 2, 0, 0, b"i" * 16)
ASK = Hold(Outcome.SUPERVISOR_REQUIRED)


@pytest.mark.parametrize(
    ("elapsed", "answer"),
    [(0, ANNUL), (120_000, ANNUL), (120_001, ASK), (-60_000, ANNUL), (-60_001, ASK)],
)
def test_the_same_device_has_two_minutes(elapsed: int, answer: Draft | Hold) -> None:
    """And a minute the other way, by which clocks may honestly differ."""
    now = Instant(MS + elapsed)
    assert undo(VISIT, INSIDE, now, same_device=True, supervisor=False) == answer
    assert undo(VISIT, INSIDE, now, same_device=True, supervisor=True) == ANNUL


def test_another_device_needs_a_supervisor() -> None:
    """However soon; with one, however late."""
    now = Instant(MS)
    assert undo(VISIT, INSIDE, now, same_device=False, supervisor=False) == ASK
    assert undo(VISIT, INSIDE, Instant(MS * 2), same_device=False, supervisor=True) == ANNUL


@pytest.mark.parametrize("known", [LEFT, NOTHING])
def test_an_entry_of_nobody_inside_can_not_be_undone(known: History) -> None:
    """Not even by a supervisor: the exit has freed its right already."""
    for supervisor in (False, True):
        assert undo(VISIT, known, Instant(MS), same_device=True, supervisor=supervisor) is None
