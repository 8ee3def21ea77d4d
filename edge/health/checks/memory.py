"""Is there memory left?"""

from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result
from edge.health.units import size

LITTLE: Final = 0.10  # of all memory
NONE: Final = 0.04
ADVICE: Final = "End other programs on this machine, or restart it between two queues."


def check(reading: Reading) -> Result:
    """Without memory the system ends processes, the agent among them."""
    free, total = reading.hardware.memory
    left, share = f"{size(free)} free", free / total
    if share < NONE:
        return Result("memory", FAIL, "memory_full", left, "Memory is all but used up.", ADVICE)
    if share < LITTLE:
        return Result("memory", WARN, "memory_low", left, "Memory is running out.", ADVICE)
    return Result("memory", OK, "memory_ok", left, "There is memory left.")
