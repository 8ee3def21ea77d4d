"""Is there room for the log and for ticket lists?"""

from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result
from edge.health.units import size

LITTLE: Final = 1_000_000_000  # bytes; a list of a million tickets needs about 200 million
NONE: Final = 200_000_000
ADVICE: Final = "Free some room: old exports, logs of the system, files set aside."


def check(reading: Reading) -> Result:
    """A full disk stops every scan."""
    room = reading.hardware.disk
    if room is None:
        todo = "Check that the data folder exists and that its disk is there."
        return Result("disk", FAIL, "disk_unknown", "", "The disk can't be asked.", todo)
    left = f"{size(room.free)} free"
    if room.free < NONE:
        return Result("disk", FAIL, "disk_full", left, "The disk is all but full.", ADVICE)
    if room.free < LITTLE:
        return Result("disk", WARN, "disk_low", left, "The disk is filling up.", ADVICE)
    return Result("disk", OK, "disk_ok", left, "There is room on the disk.")
