"""How long a member can keep owners in doubt (spec/claims.md §3, 7)."""

import pytest

from shared.claims.doubts import CALM, MOST_MS, Doubts, passed, worn_out

SILENT, OTHER = b"silent", b"other"
SOON = 100  # ms between two looks


def test_who_is_unheard_for_too_long_is_not_waited_for() -> None:
    """To the millisecond, and it alone."""
    doubts = passed(Doubts(5), {SILENT}, 5 + MOST_MS - 1)
    assert worn_out(doubts) == frozenset()
    doubts = passed(doubts, {SILENT, OTHER}, 5 + MOST_MS)
    assert worn_out(doubts) == {SILENT}


def test_time_comes_back_slowly() -> None:
    """Sixty times as long as it was used up in, and then nothing of it is kept."""
    doubts = passed(passed(Doubts(0), {SILENT}, MOST_MS), (), MOST_MS + CALM)
    assert doubts.spent == {SILENT: MOST_MS - 1}
    assert worn_out(doubts) == frozenset()
    assert passed(doubts, (), MOST_MS * (CALM + 1)).spent == {}


@pytest.mark.parametrize("unheard", [1, 2, 9])
def test_coming_and_going_gains_little(unheard: int) -> None:
    """Who is unheard in every tenth look or more makes owners doubt for a minute in an hour."""
    doubts, doubtful = Doubts(0), 0
    for look in range(36_000):
        silent = {SILENT} if look % 10 < unheard else set()
        doubts = passed(doubts, silent, (look + 1) * SOON)
        doubtful += bool(silent - worn_out(doubts)) * SOON
    assert doubtful <= MOST_MS + 36_000 * SOON // CALM + SOON


def test_what_is_used_up_does_not_grow() -> None:
    """A member that is back after a day has its time back as soon as any other."""
    doubts = passed(Doubts(0), {SILENT}, MOST_MS)
    assert passed(doubts, {SILENT}, 100 * MOST_MS).spent == doubts.spent
