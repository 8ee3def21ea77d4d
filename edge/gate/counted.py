"""Codes that were refused and, by the protocol, never logged: how many, by cause."""

import threading
from collections import Counter
from collections.abc import Mapping


class Counted:
    """Counts of a run that are not on the disk yet. Safe to use from any thread."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, code: str) -> None:
        """Count one."""
        with self._lock:
            self._times[code] += 1

    def taken(self) -> dict[str, int]:
        """Return all counts and begin anew, for somebody who writes them down."""
        with self._lock:
            times, self._times = dict(self._times), Counter()
            return times

    def give_back(self, times: Mapping[str, int]) -> None:
        """Take counts again that could not be written."""
        with self._lock:
            self._times.update(times)
