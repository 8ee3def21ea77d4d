"""Who goes first when more is asked than can be done. Pure.

- Gates: what devices ask, online scans, enrolment, health. They are never refused here.
- Sales: holds, payments and the provider's news of them; signing in and fresh tokens, which staff
  at a gate need as well.
- Browsing: everything else.

Sales and browsing have places, fewer than there are connections to the database, so that one is
always left for gates. Whoever finds no place waits in a queue: sales before browsing. Browsing is
refused when its queue is full, when it waits too long, and while the event loop is late.
"""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Final, NamedTuple


class Group(StrEnum):
    """Whose request it is."""

    GATES = "gates"
    SALES = "sales"
    BROWSING = "browsing"


class Verdict(StrEnum):
    """What becomes of a request. The others than GO and WAIT are why it is refused."""

    GO = "go"
    WAIT = "wait"
    FULL = "full"  # too many wait already
    LATE = "late"  # the event loop is


class Bounds(NamedTuple):
    """How much is taken in by a process."""

    places: int  # requests in work: sales and browsing together
    browsing: int  # of them
    queues: Mapping[Group, int]  # how many wait at the most
    waits: Mapping[Group, float]  # seconds that they wait at the most
    late: float = 0.75  # seconds


class Load(NamedTuple):
    """What a process has to do now."""

    sales: int = 0  # in work
    browsing: int = 0
    waiting: int = 0  # of the group that is asked for
    late: float = 0.0  # seconds by which the event loop is late, as a rule


HANDLED_BY_GATES: Final = frozenset({"enrolment", "health", "sync"})
SELLING: Final = frozenset({"orders", "payments", "services", "sessions"})
FIRST: Final = (Group.SALES, Group.BROWSING)  # who has the next free place
QUEUES: Final = {Group.SALES: 1000, Group.BROWSING: 256}
WAITS: Final = {Group.SALES: 5.0, Group.BROWSING: 2.0}


def group_of(access: str, tags: Set[str], method: str) -> Group:
    """Return the group of a route, by what it asks of its caller and by its tags."""
    scans = "checkins" in tags and method != "GET"  # reports read ten thousands of records
    if access == "device" or scans or tags & HANDLED_BY_GATES:
        return Group.GATES
    return Group.SALES if tags & SELLING else Group.BROWSING


def bounds_of(connections: int) -> Bounds:
    """Return the bounds of a process with so many connections to its database."""
    return Bounds(max(1, connections - 1), max(1, connections - 2), QUEUES, WAITS)


def has_place(group: Group, load: Load, bounds: Bounds) -> bool:
    """Whether a request of a group may begin."""
    if group is Group.GATES:
        return True
    if group is Group.BROWSING and load.browsing >= bounds.browsing:
        return False
    return load.sales + load.browsing < bounds.places


def judge(group: Group, load: Load, bounds: Bounds) -> Verdict:
    """Return what becomes of a request that has just come."""
    if group is Group.GATES:
        return Verdict.GO
    if group is Group.BROWSING and load.late > bounds.late:
        return Verdict.LATE
    if load.waiting == 0 and has_place(group, load, bounds):
        return Verdict.GO
    return Verdict.WAIT if load.waiting < bounds.queues[group] else Verdict.FULL
