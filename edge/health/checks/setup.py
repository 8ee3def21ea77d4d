"""Is this folder a gate: has it a key, a database and an organizer?"""

from collections.abc import Mapping
from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, Result

INIT: Final = (
    "Run `usher-edge enrol` with the console's code, or `usher-edge init` without a network."
)
FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "no_key": ("This device has no key.", INIT),
    "no_database": ("This folder holds no gate.", INIT),
    "no_organizer": ("This device knows no organizer.", INIT),
    "unreadable": (
        "This folder can't be read by this user.",
        "Run this as the gate's own user or as root.",
    ),
    "wiped": ("The organizer has wiped this device.", "Send it back, or set it up again."),
    "damaged": (
        "The gate's key or database can't be read.",
        "Restart the agent: it saves what is readable. If it does not start, replace the disk.",
    ),
    "newer": (
        "The gate's database was written by a newer version.",
        "Install the newer version again.",
    ),
}


def check(reading: Reading) -> Result:
    """Without these, nothing else can be known."""
    if reading.setup:
        return Result("setup", FAIL, f"setup_{reading.setup}", "", *FAULTS[reading.setup])
    return Result("setup", OK, "setup_done", "", "This device has its key and its organizer.")
