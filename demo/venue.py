"""The venue: three gates with two lanes each, and what is sold for tonight."""

from typing import Any, Final, NamedTuple

NORTH, SOUTH, WEST = "North", "South", "West"
GATES: Final = (NORTH, SOUTH, WEST)
HALL: Final = 1  # the zone


class Lane(NamedTuple):
    """A place of scanning with a camera over it."""

    id: str
    gate: str
    exiting: bool = False


LANES: Final = (
    Lane("north-1", NORTH),
    Lane("north-2", NORTH),
    Lane("south-1", SOUTH),
    Lane("south-2", SOUTH),
    Lane("west-1", WEST),
    Lane("west-out", WEST, exiting=True),
)
ENTRIES: Final = tuple(lane for lane in LANES if not lane.exiting)
EXIT: Final = next(lane for lane in LANES if lane.exiting)

STANDING, SEATED, LIVE, FAMILY, LATE = "Standing", "Seated", "Live", "Family", "Late pass"
FAMILY_OF: Final = 4
CLASSES: Final[dict[str, dict[str, Any]]] = {
    STANDING: {"entry": {"zones": [HALL], "re_entry": True}},
    SEATED: {"entry": {"zones": [HALL]}},
    LIVE: {"entry": {"zones": [HALL]}, "live": True},
    FAMILY: {"entry": {"zones": [HALL], "allowance": FAMILY_OF, "group": True}},
    LATE: {"entry": {"zones": [HALL]}, "price": 0, "capacity": 10},  # bought at the last moment
}
LAYOUT: Final[dict[str, Any]] = {
    "name": "Harbour Hall",
    "timezone": "Europe/Berlin",
    "zones": [{"id": HALL, "name": "Hall", "capacity": 4000}],
    "gates": [
        {"id": number, "name": name, "zone": HALL, "direction": "both"}
        for number, name in enumerate(GATES, 1)
    ],
}
ELSEWHERE: Final[dict[str, Any]] = {
    "name": "Old Mill",
    "timezone": "Europe/Berlin",
    "zones": [{"id": HALL, "name": "Mill"}],
    "gates": [{"id": 1, "name": "Main door", "zone": HALL}],
}
