"""Does the processor keep up?"""

from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result

BUSY: Final = 1.5  # processes that want each core
SWAMPED: Final = 4.0
ADVICE: Final = "End other programs on this machine; look at its temperature and power."


def check(reading: Reading) -> Result:
    """A machine that can't keep up answers late."""
    load = reading.hardware.load
    value = f"{load:.1f} per core"
    if load >= SWAMPED:
        return Result("cpu", FAIL, "cpu_swamped", value, "The processor can't keep up.", ADVICE)
    if load >= BUSY:
        return Result("cpu", WARN, "cpu_busy", value, "The processor is busy.", ADVICE)
    return Result("cpu", OK, "cpu_ok", value, "The processor keeps up.")
