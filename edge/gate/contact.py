"""How long this device has gone without anything newly signed by the cloud (spec/devices.md §1).

A roster's `lock_after` is judged by it. The time runs on over power cuts: where a clock is
trusted it says how long it was, and where none is, the time that the device ran alone is kept.
Whoever pulls the plug again and again so wins the time that the device was off, and no more.
"""

from typing import Final

from edge.gate.clock import DeviceClock
from edge.store.settings import SettingStore

NAME: Final = "alone"  # the setting: ms that this device ran since it heard of the cloud
COARSE: Final = 60_000  # ms between two writes of it


class Contact:
    """Safe to share between threads."""

    def __init__(self, settings: SettingStore, clock: DeviceClock) -> None:
        self._settings = settings
        self._clock = clock
        self._before = self._kept = settings.number(NAME)
        self._since = clock.monotonic()

    def alone_ms(self) -> int:
        """Return for how long, at the least, nothing newly signed has come."""
        now, (signed, ago) = self._clock.now(), self._clock.contact()
        by_clock = now.ms - signed if now.trusted and signed else 0
        return max(self._ran(ago), by_clock)

    def keep(self) -> None:
        """Write the time down, a minute or more after the last."""
        ran = self._ran(self._clock.contact()[1])
        if not 0 <= ran - self._kept < COARSE:
            self._settings.put_number(NAME, ran)
            self._kept = ran

    def _ran(self, ago: int | None) -> int:
        """Return how many ms this device ran since the newest signed time came."""
        here = self._clock.monotonic() - self._since
        return self._before + here if ago is None else ago
