"""How long to wait after a failure: twice as long each time, and never all at the same moment."""

from collections.abc import Callable
from typing import Final

FIRST: Final = 0.5  # seconds
LONGEST: Final = 15.0  # a line that mostly fails must still be tried often


class Backoff:
    """`random`: gives numbers from 0 to 1."""

    def __init__(self, random: Callable[[], float], longest: float = LONGEST) -> None:
        self._random = random
        self._longest = longest
        self._failures = 0

    def failed(self, wait: float = 0.0) -> float:
        """Return how many seconds to wait, at the least `wait`, which the other side asked for."""
        self._failures += 1
        most: float = min(self._longest, FIRST * (1 << min(self._failures, 16)))
        return wait + most * (0.5 + self._random() / 2)

    def worked(self) -> None:
        """Begin anew."""
        self._failures = 0


def unmoved() -> None:
    """Note that something was got done: nobody asks."""


def jittered(seconds: float, random: Callable[[], float]) -> float:
    """Return about as many seconds: gates that were switched on together drift apart."""
    return seconds * (0.8 + 0.4 * random())
