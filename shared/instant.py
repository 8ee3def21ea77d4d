"""The time as a decision sees it: a reading, and whether anything vouches for it."""

from typing import NamedTuple


class Instant(NamedTuple):
    """Unix time in milliseconds.

    `trusted` is false on a device that has had no cloud-signed time since its clock last
    lost power or left its bounds (spec/log.md, "Time"): then a window that fails is
    `clock_untrusted` rather than a fault of the guest's.
    """

    ms: int
    trusted: bool = True

    @property
    def seconds(self) -> int:
        """Whole unix seconds, rounded down: the unit of every bound in a manifest."""
        return self.ms // 1000
