"""The queue of records without a receipt, looked at again and again: does it grow?"""

from collections import deque
from pathlib import Path
from typing import Final

from edge.health.inspection import count_waiting
from edge.health.reading import Queue
from edge.store.identity import Identity

LONGEST: Final = 600.0  # seconds over which growth is told
SHORTEST: Final = 60.0


class Watched:
    """One device's queue. Not for several threads at once."""

    def __init__(self, folder: Path, me: Identity) -> None:
        self._folder = folder
        self._me = me
        self._seen: deque[tuple[float, int]] = deque()  # when, and how many waited

    def look(self, now: float) -> Queue | None:
        """Return what waits, and how fast that grows once it was watched for a while."""
        waiting = count_waiting(self._folder, self._me)
        if waiting is None:
            return None
        while self._seen and now - self._seen[0][0] > LONGEST:
            self._seen.popleft()
        self._seen.append((now, waiting))
        since, before = self._seen[0]
        passed = now - since
        return Queue(waiting, (waiting - before) * 60 / passed if passed >= SHORTEST else None)
