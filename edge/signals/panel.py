"""What lamp and relays should be at any moment. Pure: the time is an argument, in seconds.

Rules:
- A relay lets people pass by pulses, one for each person that a green admits. There is one
  queue: no two pulses overlap, whichever relay they are for, and none is cut short by the next.
- While the agent is not known to be alive and able to write, each relay is in its fail-safe
  state and the lamp shows trouble. That is how a panel begins.
- What waits in the queue when the agent is lost is dropped, never given later: by then nobody
  knows who stands at the turnstile.
"""

import math
from collections import deque
from typing import Final, Literal, NamedTuple

from edge.link.messages import Beat, Show

MOST_PULSES: Final = 255  # an allowance in a record has one byte
FLASH: Final = 0.5  # seconds of each half of trouble's alternation
FailSafe = Literal["locked", "open"]
Side = Literal["entry", "exit"]


class Fitting(NamedTuple):
    """How this gate is fitted out. Lengths are in seconds."""

    lane: str
    entry_fails: FailSafe = "locked"
    exit_fails: FailSafe = "open"  # nobody is kept inside
    exit_relay: bool = False  # exits have a relay of their own
    amber: bool = True  # the lamp has an amber light
    show: float = 4.0  # a verdict on the lamp
    pulse: float = 0.5  # one person's
    gap: float = 0.7  # between two pulses: the arm comes round
    patience: float = 1.0  # without a beat


class Outputs(NamedTuple):
    """What is on. A relay that is on lets pass."""

    green: bool = False
    amber: bool = False
    red: bool = False
    entry: bool = False
    exit: bool = False


def safe(fitting: Fitting) -> Outputs:
    """Return what is right when nobody decides: relays as set, and a light that is no green."""
    return Outputs(red=True, entry=fitting.entry_fails == "open", exit=fitting.exit_fails == "open")


class Panel:
    """Takes what the agent says and answers with outputs. Time never goes back."""

    def __init__(self, fitting: Fitting) -> None:
        self._ = fitting
        self._relied = -math.inf  # until when the agent may be relied on
        self._signal = ""
        self._lit = -math.inf  # until when the signal is shown
        self._queue: deque[Side] = deque()
        self._giving: Side | None = None
        self._turned = -math.inf  # when the pulse, or else the gap after it, is over

    @property
    def waiting(self) -> int:
        """How many pulses have not begun."""
        return len(self._queue)

    def alive(self, now: float) -> bool:
        """Say whether the agent may be relied on."""
        return now < self._relied

    def beat(self, beat: Beat, now: float) -> None:
        """Hear the agent. One that cannot write is as good as none."""
        self._advance(now)
        if beat.ready:
            self._relied = now + self._.patience

    def lost(self, now: float) -> None:
        """Take note that the line to the agent is broken."""
        self._relied = -math.inf
        self._advance(now)

    def show(self, show: Show, now: float) -> bool:
        """Show a verdict of this lane; says whether it was."""
        self._advance(now)
        if show.lane != self._.lane or not self.alive(now):
            return False
        self._signal, self._lit = show.signal, now + self._.show
        if show.signal == "green":
            side: Side = "exit" if show.exiting and self._.exit_relay else "entry"
            self._queue.extend([side] * min(show.admit, MOST_PULSES - len(self._queue)))
        return True

    def outputs(self, now: float) -> Outputs:
        """Return what should be on now."""
        self._advance(now)
        lamp = self._lamp(now)
        if not self.alive(now):
            failed = safe(self._)
            return lamp._replace(entry=failed.entry, exit=failed.exit)
        return lamp._replace(entry=self._giving == "entry", exit=self._giving == "exit")

    def due(self, now: float) -> float:
        """Return when the outputs change next if nobody says anything until then."""
        times = [self._relied, self._lit]
        if self._giving or self._queue:
            times.append(self._turned)
        if self._trouble(now):
            times.append((now // FLASH + 1) * FLASH)
        return min((time for time in times if time > now), default=math.inf)

    def _advance(self, now: float) -> None:
        """Let time pass: forget what was to be done, end a pulse, or begin the next."""
        if not self.alive(now):
            self._queue.clear()
            self._giving = None
            self._lit = -math.inf
        if self._giving and now >= self._turned:
            self._giving, self._turned = None, now + self._.gap
        if self._queue and not self._giving and now >= self._turned:
            self._giving, self._turned = self._queue.popleft(), now + self._.pulse

    def _lamp(self, now: float) -> Outputs:
        if self._trouble(now):
            first = now // FLASH % 2 == 0
            return Outputs(red=first, amber=not first and self._.amber)
        if now >= self._lit:
            return Outputs()
        act = self._signal == "amber"
        red = self._signal == "red" or (act and not self._.amber)
        return Outputs(green=self._signal == "green", amber=act and self._.amber, red=red)

    def _trouble(self, now: float) -> bool:
        return not self.alive(now) or (self._signal == "machine" and now < self._lit)
