"""Does this gate know the time, and does the machine's clock agree?"""

from datetime import UTC, datetime
from typing import Final

from edge.health.reading import Reading, Time
from edge.health.result import OK, WARN, Result, unseen
from shared.log.record import TimeQuality

HOUR: Final = 3_600_000  # ms


def check(reading: Reading) -> Result:
    """Without trusted time the gate goes on, and judges no window against a guest."""
    time = reading.time
    if time is None:
        return unseen("clock")
    if not time.now.trusted:
        return Result(
            "clock", WARN, "clock_unknown", "unknown",
            "Nothing vouches for the time. Live tickets need a challenge.",
            "Connect the gate to the cloud, or load a new file and check the machine's clock.",
        )  # fmt: skip
    if time.jumped:
        return Result(
            "clock", WARN, "clock_jumped", "off",
            "The machine's clock is a minute or more away from the gate's time.",
            "Set the machine's clock; if it comes back, replace the clock's battery.",
        )  # fmt: skip
    if time.stamps_until:
        return _ahead(time)
    if time.ahead:
        return Result(
            "clock", WARN, "clock_of_others", ", ".join(time.ahead),
            "Another gate's records are stamped more than a minute ahead of this gate's time.",
            "Compare both clocks with a watch. Who may enter is unchanged.",
        )  # fmt: skip
    if time.quality is TimeQuality.CARRIED:
        sentence = "The time is known, carried on by a clock that nothing else confirms."
        return Result("clock", OK, "clock_carried", "carried", sentence)
    return Result("clock", OK, "clock_trusted", "trusted", "The time is known.")


def _ahead(time: Time) -> Result:
    """Its clock was ahead once. Each record is stamped above the one before for as long."""
    until = datetime.fromtimestamp(time.stamps_until / 1000, UTC)
    ahead = f"{(time.stamps_until - time.now.ms) / HOUR:.1f} h"
    return Result(
        "clock", WARN, "clock_stamps_ahead", ahead,
        f"Records are stamped {ahead} ahead until {until:%Y-%m-%d %H:%M} UTC: the clock was wrong.",
        "Go on: who may enter is unchanged. For right times in lists, change this gate's key"
        " (usher-edge roll).",
    )  # fmt: skip
