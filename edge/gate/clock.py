"""What this device takes for the time, kept across boots (spec/log.md §7).

The rules are `shared.log.trusted_time`'s; here are the two clocks of the machine, and the disk
that remembers floor and bound.
"""

import threading
from collections.abc import Callable
from typing import Final

from edge.store.settings import SettingStore
from shared.instant import Instant
from shared.log.record import TimeQuality
from shared.log.trusted_time import TrustedTime

JUMP: Final = 60_000  # ms by which the wall clock may leave ours before staff are told
STAMPED: Final = 120_000  # ms by which stamps may be ahead; a peer's may pull them by half of it
COARSE: Final = 60_000  # ms of newly signed time that a power cut may cost
Milliseconds = Callable[[], int]


class DeviceClock:
    """`vouched`: the wall clock ran on without power, or is set by a source that the owner
    answers for (spec/log.md §7, rule 3)."""

    def __init__(
        self,
        settings: SettingStore,
        monotonic: Milliseconds,
        wall: Milliseconds,
        *,
        vouched: bool,
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._wall = wall
        self._vouched = vouched
        self._lock = threading.Lock()
        floor, bound = settings.number("floor"), settings.number("bound")
        self._time = TrustedTime(floor, bound, monotonic())
        self._signed = max(floor, settings.number("signed"))
        self._heard: int | None = None  # monotonic ms at which that came, if it was in this boot
        self._look()

    def contact(self) -> tuple[int, int | None]:
        """Return the newest time that the cloud has signed, as far as this device has heard, and
        how many ms ago that came, if it was in this boot. The floor runs on with monotonic time,
        so it doesn't tell."""
        with self._lock:
            ago = None if self._heard is None else self._monotonic() - self._heard
            return self._signed, ago

    def now(self) -> Instant:
        """Return the time, and whether anything vouches for it."""
        return self._time.now(self._monotonic())

    def quality(self) -> TimeQuality:
        """Return what vouches for it."""
        return self._time.quality if self.now().trusted else TimeQuality.NONE

    def stamp_ms(self) -> int:
        """Return the wall part of a record's stamp: our time, or where there is none the wall's."""
        return self.now().ms if self._time.floor or self._time.offset else self._wall()

    def monotonic(self) -> int:
        """Return milliseconds since some moment of this boot."""
        return self._monotonic()

    def jumped(self) -> bool:
        """Whether the wall clock says something else than what we took for the time."""
        return self.now().trusted and abs(self._wall() - self.now().ms) > JUMP

    def stamps_until(self, newest: int) -> int:
        """Return the unix ms until which a log whose newest stamp is of `newest` is stamped ahead
        of our time, 0 where it isn't: each record is stamped above the one before, whatever the
        clock says by then (spec/log.md §4)."""
        now = self.now()
        return newest if now.trusted and newest > now.ms + STAMPED else 0

    def learn(self, signed_ms: int, bound_ms: int = 0) -> None:
        """Take in a cloud-signed time of any age, and the latest expiry of a head in force."""
        with self._lock:
            self._time = self._time.learn(signed_ms, self._monotonic())
            self._note(signed_ms)
            if bound_ms:
                self._time = self._time.bounded(bound_ms)
            self._keep()
        self._look()

    def answered(self, signed_ms: int, asked: int) -> None:
        """Take in a cloud-signed answer to a question asked at monotonic `asked`."""
        with self._lock:
            self._time = self._time.answered(signed_ms, asked, self._monotonic())
            self._note(signed_ms)
            self._keep()

    def obey(self, signed_ms: int) -> None:
        """Carry out a `set_time` command."""
        with self._lock:
            self._time = self._time.reset(signed_ms, self._monotonic())
            self._signed, self._heard = signed_ms, self._monotonic()
            self._keep()
        self._look()

    def look_again(self) -> None:
        """Take in floor and bound that another process of this device has learnt. A floor
        below ours is a `set_time` that it obeyed: nothing else takes one down."""
        floor, bound = self._settings.number("floor"), self._settings.number("bound")
        if floor < self._time.floor:
            self.obey(floor)
        self.learn(max(floor, self._settings.number("signed")), bound)

    def _note(self, signed_ms: int) -> None:
        """Note that something came which the cloud has newly signed."""
        if signed_ms > self._signed:
            self._signed, self._heard = signed_ms, self._monotonic()

    def _look(self) -> None:
        if self._vouched:
            with self._lock:
                self._time = self._time.believe(self._wall(), self._monotonic())

    def _keep(self) -> None:
        told = {"floor": self._time.floor, "bound": self._time.bound}
        values = {name: value for name, value in told.items() if value != self._kept(name)}
        if values or not 0 <= self._signed - self._kept("signed") < COARSE:
            values["signed"] = self._signed
            self._settings.put({name: value.to_bytes(8, "big") for name, value in values.items()})

    def _kept(self, name: str) -> int:
        return self._settings.number(name)
