"""What a device takes for the time (spec/log.md §7).

Rules:
- Only what the cloud signed moves the floor. A device's own stamps and its peers' never do.
- The floor rises with monotonic time. It falls only by a signed `set_time` command.
- The wall clock is looked at once per boot, believed only between floor and bound, and only
  if it ran on without power or was set by a source that the device vouches for. From then on
  monotonic time carries, so that a clock set back or forward changes nothing.
- An answer to the device's own question is the time itself, and beats the wall clock.
"""

from typing import Final, NamedTuple

from shared.instant import Instant
from shared.log.record import TimeQuality

MAX_ROUND_TRIP: Final = 10_000  # ms between a question and an answer that still tells the time


class TrustedTime(NamedTuple):
    """The state of one boot. `floor` and `bound` are kept across boots, in milliseconds."""

    floor: int = 0  # the newest cloud-signed time; 0: none yet
    bound: int = 0  # the manifest head's expiry: no wall clock beyond it is believed
    since: int = 0  # monotonic ms at which the floor was last raised
    offset: int | None = None  # unix ms minus monotonic ms, once something gave the time
    quality: TimeQuality = TimeQuality.NONE

    def now(self, monotonic: int) -> Instant:
        """Return the time: never below the floor."""
        low = self.low(monotonic)
        if self.offset is None:
            return Instant(low, trusted=False)
        ms = max(low, self.offset + monotonic)
        return Instant(ms, trusted=self.quality == TimeQuality.TRUSTED or ms <= self.bound)

    def low(self, monotonic: int) -> int:
        """Return the earliest that it can be."""
        return self.floor + max(0, monotonic - self.since)

    def learn(self, signed_ms: int, monotonic: int) -> "TrustedTime":
        """Take in a cloud-signed time of any age: it is this late at least."""
        if signed_ms <= self.low(monotonic):
            return self
        return self._replace(floor=signed_ms, since=monotonic)

    def answered(self, signed_ms: int, asked: int, monotonic: int) -> "TrustedTime":
        """Take in a cloud-signed time that answers a question asked at monotonic `asked`."""
        learnt = self.learn(signed_ms, monotonic)
        if monotonic - asked > MAX_ROUND_TRIP:
            return learnt
        offset = learnt.low(monotonic) - monotonic
        return learnt._replace(offset=offset, quality=TimeQuality.TRUSTED)

    def believe(self, wall_ms: int, monotonic: int) -> "TrustedTime":
        """Take in a wall clock that ran on without power, unless better is known."""
        inside = self.floor > 0 and self.low(monotonic) <= wall_ms <= self.bound
        if self.offset is not None or not inside:
            return self
        return self._replace(offset=wall_ms - monotonic, quality=TimeQuality.CARRIED)

    def bounded(self, bound: int) -> "TrustedTime":
        """Take in the expiry of the head in force, in milliseconds."""
        return self._replace(bound=bound)

    def reset(self, signed_ms: int, monotonic: int) -> "TrustedTime":
        """Obey a `set_time` command, the only way down: a floor signed by mistake for next year
        would otherwise lock a gate until then."""
        return TrustedTime(signed_ms, self.bound, monotonic)
