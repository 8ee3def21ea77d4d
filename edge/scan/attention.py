"""When a frame is worth decoding, and when its texts are worth sending.

- An idle lane is looked at once a second, so that a code which is already there is never
  missed; while something moves, and a while after, every frame is.
- A packed frame costs even to be seen moving, so of an idle lane every other one is left out.
- The same texts are sent at most five times a second, others at once.
"""

from typing import Final

AFTER_MOTION: Final = 2.0  # seconds: a code that is held still may need several ways of reading
AFTER_CODE: Final = 1.5
HEARTBEAT: Final = 1.0
REPEAT: Final = 0.2


class Attention:
    """Decides which frames to decode."""

    def __init__(self) -> None:
        self._until = 0.0
        self._looked: float | None = None

    def idle(self, now: float) -> bool:
        """Say whether nothing has happened lately."""
        return now >= self._until

    def wants(self, now: float, *, moving: bool) -> bool:
        """Say whether to decode the frame of this moment."""
        if moving:
            self._until = max(self._until, now + AFTER_MOTION)
        due = self._looked is None or now - self._looked >= HEARTBEAT
        if self.idle(now) and not due:
            return False
        self._looked = now
        return True

    def saw(self, now: float) -> None:
        """A code was read: keep looking."""
        self._until = max(self._until, now + AFTER_CODE)


class Repeats:
    """Decides which readings to send."""

    def __init__(self) -> None:
        self._texts: frozenset[str] = frozenset()
        self._sent = 0.0

    def due(self, texts: tuple[str, ...], now: float) -> bool:
        """Say whether to send these texts now; the order of several codes is of no account."""
        if not texts or (frozenset(texts) == self._texts and now - self._sent < REPEAT):
            return False
        self._texts, self._sent = frozenset(texts), now
        return True


class Pace:
    """Something that is done at most so often."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: float | None = None

    def due(self, now: float) -> bool:
        """Say whether to do it now."""
        if self._last is not None and now - self._last < self._seconds:
            return False
        self._last = now
        return True
