"""Whether the cloud is there, noticed by itself: screens say it, and nobody switches anything."""

import time
from collections.abc import Callable
from typing import Any, Final

FRESH: Final = 75.0  # seconds that a contact counts: a poll and its jitter


class Seen:
    """Keeps `link` and `cloud_seen` of a gate's `around`."""

    def __init__(
        self,
        around: dict[str, Any],
        now_ms: Callable[[], int],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._around = around
        self._now_ms = now_ms
        self._seconds = seconds
        self._until = 0.0

    @property
    def here(self) -> bool:
        """Whether the cloud was heard of lately, and no line to it has broken since."""
        return self._seconds() < self._until

    def heard(self) -> None:
        """Note that the cloud has answered."""
        self._until = self._seconds() + FRESH
        self._around["cloud_seen"] = self._now_ms()
        self._around["link"] = "cloud"

    def lost(self) -> None:
        """Note that it did not."""
        self._until = 0.0
        self.look()

    def look(self) -> None:
        """Let an old contact go."""
        if not self.here:
            self._around["link"] = "peers" if self._around.get("peers") else "alone"
