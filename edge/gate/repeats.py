"""One ticket before one reader is one scan, however often it is read.

A camera reads a code thirty times a second, and a live code changes its text while the phone
is still held up. So a lane remembers the tickets in front of it, and which texts showed them,
for as long as they are seen again within a short while; the verdict then still stands and
nothing is decided. Somebody who comes back later is a new scan.
"""

from typing import Final

from edge.gate.verdict import Verdict
from shared.outcomes import Signal

# Seconds without a sight of it after which the same ticket is a new scan.
WINDOWS: Final = {"camera": 2.0, "handheld": 2.0, "api": 2.0, "keyboard": 0.7, "serial": 0.7}
MOST: Final = 16  # tickets in front of one reader
Subject = str | bytes  # event and ticket id, or the text of what is no genuine ticket


class Repeats:
    """What one lane has just seen. The time is an argument, in seconds."""

    def __init__(self) -> None:
        self._verdicts: dict[Subject, tuple[float, Verdict]] = {}
        self._subjects: dict[str, Subject] = {}

    def by_text(self, text: str, source: str, now: float) -> Verdict | None:
        """Return the verdict that still stands on what this text showed."""
        return self.find(self._subjects.get(text, text), source, now)

    def find(self, subject: Subject, source: str, now: float) -> Verdict | None:
        """Return the verdict that still stands, and note that its subject is still in view.

        Machine trouble is not prolonged: it is tried again, in case it has passed.
        """
        self._forget(WINDOWS.get(source.partition(":")[0], 0.0), now)
        if (seen := self._verdicts.get(subject)) is None:
            return None
        if seen[1].signal is not Signal.TROUBLE:
            self._verdicts[subject] = now, seen[1]
        return seen[1]

    def note(self, subject: Subject, verdict: Verdict, now: float) -> None:
        """Remember the verdict on what is in view now."""
        while len(self._verdicts) >= MOST and subject not in self._verdicts:
            del self._verdicts[next(iter(self._verdicts))]
        self._verdicts[subject] = now, verdict

    def showed(self, text: str, subject: Subject) -> None:
        """Note that a text showed that ticket."""
        self._subjects[text] = subject

    def clear(self) -> None:
        """Forget everything: something else is decided by now."""
        self._verdicts.clear()
        self._subjects.clear()

    def _forget(self, window: float, now: float) -> None:
        """Drop what was not seen within the window."""
        if any(now - seen[0] >= window for seen in self._verdicts.values()):
            kept = {s: seen for s, seen in self._verdicts.items() if now - seen[0] < window}
            self._verdicts = kept
            self._subjects = {t: s for t, s in self._subjects.items() if s in kept}
