"""Lines that are written beside everything else: in order, bounded, and without waiting."""

import os

import pytest

from edge.signals import lines as writing
from edge.signals.lines import Lines


def test_lines_come_whole_and_in_order() -> None:
    """All of them are there when it is closed."""
    reading, end = os.pipe()
    lines = Lines()
    for i in range(50):
        lines.put(str(i), end)
    lines.close()
    os.close(end)
    with os.fdopen(reading) as read:
        assert read.read().split() == [str(i) for i in range(50)]
    assert lines.dropped == 0


def test_what_does_not_fit_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stands still for long costs no memory, and the end does not wait for it."""
    monkeypatch.setattr(writing, "LAST_WORDS", 0.01)
    reading, end = os.pipe()
    lines = Lines(room=3)
    size = 1 << 17  # more than a pipe takes
    for _ in range(10):
        lines.put("x" * size, end)
    assert lines.dropped >= 6  # three wait and one may be on its way
    lines.close()
    os.close(reading)  # which ends the write that is on its way, and all that wait
    monkeypatch.setattr(writing, "LAST_WORDS", 60.0)
    lines.close()
    os.close(end)


def test_a_reader_that_has_gone_silences_its_own_output_alone() -> None:
    """The other one is still written to."""
    gone, deaf = os.pipe()
    os.close(gone)
    reading, end = os.pipe()
    lines = Lines()
    for _ in range(2):
        lines.put("nobody", deaf)
        lines.put("somebody", end)
    lines.close()
    os.close(deaf)
    os.close(end)
    with os.fdopen(reading) as read:
        assert read.read() == "somebody\nsomebody\n"
