"""What is known at one gate of one ticket's comings and goings, as `decide()` reads it.

A fold of the merged view (`shared.merge`); nothing here is stored. At most `allowance` people
are inside one pool: `allowance - len(inside)` more may enter, on `opened` or root rights,
whichever are left. An exit with nobody inside is recorded all the same: it names `left`
(a repeated exit, which closes nobody unless somebody turns out to have come in unseen), or
nothing where no exit is known (spec/merge.md §3).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Visit(NamedTuple):
    """One entry that is in force: the IN record's id and what staff may be told of it."""

    id: bytes  # 16: the IN record
    zone: int
    day: int
    gate: int
    device: bytes  # 16
    ms: int  # the HLC's wall part, unix milliseconds
    right: bytes  # 16: the right that it consumed


class PoolHistory(NamedTuple):
    """One pool (ticket, zone, day), as far as it is known here."""

    entries: int  # INs not undone
    inside: tuple[Visit, ...]  # of these, all that may still be inside; newest last
    claimed: frozenset[bytes]  # every right that an IN not undone names
    opened: tuple[bytes, ...]  # rights that exits opened and no entry took up: take the first
    left: bytes = bytes(16)  # newest OUT known, what a repeated exit names in `ref`; zero: none
    last: Visit | None = None  # newest entry not undone, whether or not it was closed since


class History(NamedTuple):
    """Everything known of one ticket: pools by (zone, day)."""

    pools: Mapping[tuple[int, int], PoolHistory]
    days: frozenset[int]  # distinct days, without 0, of INs not undone
    last: Visit | None  # newest entry not undone, in any pool
    gen: int  # highest accepted generation, 0 where nothing is known


NOTHING: Final = History({}, frozenset(), None, 0)
