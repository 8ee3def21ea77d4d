"""What an agent does beside scanning: small, regular, and never in a scan's way."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from edge.gate.bus import News
from edge.gate.gate import Gate
from edge.gate.ledger import Line
from edge.gate.state import CameraStatus
from edge.gate.verdict import Verdict
from edge.health.report import Health
from edge.link.cameras import Cameras
from edge.store.database import StorageFailed
from shared.log.record import EMPTY, Kind

QUIET_SECONDS: Final = 2.0  # since the last scan, before the WAL is moved into the file
CLOCK_OFF: Final = 1  # reason of a CLOCK record: the wall clock is off by a minute or more


class Housekeeping:
    """Called by the scheduler, on threads of its own."""

    def __init__(
        self,
        gate: Gate,
        cameras: Cameras,
        health: Health,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate
        self._cameras = cameras
        self._health = health
        self._seconds = seconds
        self._last_scan = seconds()
        self._jumped = False

    def heard(self, news: News) -> None:
        """Note that somebody scans."""
        if isinstance(news, Verdict):
            self._last_scan = self._seconds()

    def tidy(self) -> None:
        """Lock idle lanes, keep counters, and use a quiet moment for a checkpoint."""
        gate = self._gate
        gate.staff.lock_idle()
        gate.staff.lock_revoked()
        with suppress(StorageFailed):  # the next scan finds out, and says so
            gate.keep_counts()
            gate.contact.keep()
            self._note_clock()
            if self._seconds() - self._last_scan > QUIET_SECONDS:
                gate.stores.database.checkpoint()

    def look(self) -> None:
        """Bring the status strip up to date."""
        around = self._gate.around
        with suppress(StorageFailed):
            around["waiting"] = self._gate.stores.log.waiting(self._gate.me.device)
        around["cameras"] = tuple(self._camera_states())
        around["health"] = self._health.worst()
        battery = psutil.sensors_battery() if self._gate.settings.power else None
        around["battery"] = round(battery.percent) if battery else None
        around["on_power"] = battery.power_plugged if battery else None

    def _camera_states(self) -> list[CameraStatus]:
        """Return how each camera does, those that are configured and silent too."""
        states = self._cameras.states()
        silent = [each for each in self._gate.settings.cameras if each.name not in states]
        return [
            *(
                CameraStatus(name, lane, state.connected, state.warnings, round(state.fps, 1))
                for name, (lane, state) in states.items()
            ),
            *(CameraStatus(each.name, each.lane, False, (), 0.0) for each in silent),  # noqa: FBT003
        ]

    def _note_clock(self) -> None:
        """Write once that the wall clock and ours have parted."""
        jumped = self._gate.clock.jumped()
        if jumped and not self._jumped:
            record = EMPTY._replace(kind=Kind.CLOCK, reason=CLOCK_OFF)
            self._gate.ledger.append((Line(record),))
        self._jumped = jumped
