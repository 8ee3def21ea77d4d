"""The crowd: who comes where, with what, and what shall come of it. Pure.

Within a chapter everybody has a moment between 0 and 1, and each lane takes its guests in the
order of their moments. Who comes after somebody else has a later moment, so that no two lanes
can wait for each other. demo/script.py makes the plan of an evening.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from demo.venue import LANES
from shared.outcomes import Outcome

SEED: Final = 2026
TICKETS: Final = 2000

ADMITTED, READMITTED, LEFT = Outcome.ADMITTED.code, Outcome.READMITTED.code, Outcome.EXIT.code


class Held(StrEnum):
    """What a guest holds before the camera."""

    TICKET = "ticket"  # the code that they were sent, on paper or a screen
    NOW = "now"  # the live code of this moment
    STALE = "stale"  # a live code of some minutes ago: a recorded screen
    SCREENSHOT = "screenshot"  # the bound ticket itself, which no phone signed
    OLD = "old"  # the code before it was replaced
    FORGED = "forged"  # a ticket with other bytes
    FOREIGN = "foreign"  # signed by somebody who is no issuer here
    OTHER_NIGHT = "other night"  # the same organizer's, for another event
    ADVERT = "advert"  # a QR code that is no ticket


class Fate(StrEnum):
    """What the organizer does with a ticket before its guest comes."""

    PLAIN = "plain"
    BLOCKED = "blocked"
    REVOKED = "revoked"
    REPLACED = "replaced"
    SOLD_NOW = "sold now"  # while the doors are open
    REVOKED_NOW = "revoked now"
    REPLACED_NOW = "replaced now"
    REVOKED_UNHEARD = "revoked, unheard"  # while the gates have no internet
    REPLACED_UNHEARD = "replaced, unheard"


class Chapter(StrEnum):
    """The parts of the evening."""

    STEADY = "steady"
    NEWS = "news"
    OFFLINE = "offline"
    PARTED = "parted"
    HEALED = "healed"


class Guest(NamedTuple):
    """Somebody with a ticket."""

    number: int
    name: str
    ticket_class: str
    fate: Fate = Fate.PLAIN

    @property
    def printed(self) -> str:
        """The name on the ticket: none on one that was bought at the last moment."""
        return "" if self.fate is Fate.SOLD_NOW else self.name

    @property
    def email(self) -> str:
        """Where the ticket was sent."""
        return f"guest{self.number}@example.org"


class Visit(NamedTuple):
    """Somebody comes before a camera."""

    number: int
    chapter: Chapter
    moment: float
    guest: int
    lane: str
    held: Held
    expected: str  # an outcome's code
    after: int | None = None  # the visit that has to be over
    paper: bool = False
    # Another visit with the same ticket at another gate, in the same instant: each of the two may
    # come first, and then what is expected of them is the other way round.
    rival: int | None = None


class Plan(NamedTuple):
    """The whole evening."""

    guests: Sequence[Guest]
    visits: Sequence[Visit]
    incidents: Counter[str]

    def chapter(self, chapter: Chapter) -> dict[str, list[Visit]]:
        """Return each lane's visits in a chapter, in order."""
        ordered = sorted(
            (visit for visit in self.visits if visit.chapter is chapter),
            key=lambda visit: (visit.moment, visit.number),
        )
        return {lane.id: [v for v in ordered if v.lane == lane.id] for lane in LANES}


class Totals(NamedTuple):
    """What visits come to."""

    codes: Counter[str]  # how often each outcome
    entered: Counter[str]  # by gate
    left: Counter[str]  # by gate

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self.entered.total() - self.left.total()


def totals(outcomes: Iterable[tuple[str, str]]) -> Totals:
    """Return what outcomes, each at a gate, come to."""
    codes: Counter[str] = Counter()
    entered: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for gate, code in outcomes:
        codes[code] += 1
        entered[gate] += code in (ADMITTED, READMITTED)
        left[gate] += code == LEFT
    return Totals(codes, entered, left)


def gate_of(lane: str) -> str:
    """Return the gate that a lane is of."""
    return next(each.gate for each in LANES if each.id == lane)
