"""Hybrid logical clock: stamps that order records and never run back (spec/log.md §5).

A stamp is 64 bits: 48 of unix milliseconds, 16 of a counter. Stamps only rise, whatever the
wall clock does. They order records for people and decide who of two is counted; they never
decide what is valid.
"""

from typing import Final

COUNTER_BITS: Final = 16
WALL_LIMIT: Final = 1 << 47  # year 6429: from there a stamp could rise 2^63 times more
MAX_AHEAD: Final = 60_000  # ms that a remote stamp may pull ours ahead of the wall clock


def stamp(ms: int, counter: int = 0) -> int:
    """Return the stamp of a wall time and a counter."""
    return ms << COUNTER_BITS | counter


def wall(value: int) -> int:
    """Return the unix milliseconds of a stamp."""
    return value >> COUNTER_BITS


def tick(last: int, wall_ms: int) -> int:
    """Return the stamp of a new record, above `last`.

    A full counter carries into the milliseconds, since both are one number.
    """
    return max(last + 1, stamp(_bounded(wall_ms)))


def receive(last: int, remote: int, wall_ms: int) -> int:
    """Return the clock after a remote stamp was seen: at least `last`, and never below it.

    A remote stamp counts up to a minute ahead of the wall clock. It is clamped here alone;
    the record keeps what its device wrote.
    """
    return max(last, min(remote, stamp(_bounded(wall_ms + MAX_AHEAD))))


def _bounded(wall_ms: int) -> int:
    return min(max(wall_ms, 0), WALL_LIMIT)


def ahead(remote: int, wall_ms: int) -> bool:
    """Whether a remote stamp is so far ahead that staff are told of a wrong clock."""
    return wall(remote) > wall_ms + MAX_AHEAD
