"""Dates and times of day in an event's time zone, as unix seconds (spec/manifest.md §8).

For whoever publishes a manifest: gates only ever see seconds. The zone is an argument.

Rules:
- A local time that comes twice, when clocks go back, is its first coming where something
  starts and its second where something ends.
- A local time that is skipped, when clocks go forward, is the moment of the jump.
- A day of the event runs from its starting time to that of the next date that exists. So
  days meet without a gap, and last 23 or 25 hours where they do.
- A date that the zone skipped whole is no day.
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from shared.event import Day, Window

_NEXT: Final = timedelta(days=1)


def seconds(local: datetime, zone: tzinfo, *, end: bool = False) -> int:
    """Return the moment at which a clock in `zone` shows `local` (which has no zone itself).

    `end` tells which of two to take: the second, for the end of something.
    """
    first, second = (_shown(local, zone, fold) for fold in (0, 1))
    if first > second:  # Python's way to say that no clock ever showed it (PEP 495)
        return _jump(second, first, zone, local)
    return second if end else first


def days(first: date, last: date, starts: time, zone: tzinfo) -> tuple[Day, ...]:
    """Return the days of an event from `first` to `last`, each beginning at `starts`."""
    dates = [each for each in _dates(first, last) if _exists(each, zone)]
    after = last + _NEXT
    while not _exists(after, zone):
        after += _NEXT
    bounds = [seconds(datetime.combine(each, starts), zone) for each in (*dates, after)]
    return tuple(Day(i, start, end) for i, (start, end) in enumerate(pairwise(bounds), start=1))


def windows(dates: Iterable[date], starts: time, ends: time, zone: tzinfo) -> tuple[Window, ...]:
    """Return one window for each date; an `ends` not after `starts` is on the next date.

    A window that no clock ever showed any of is left out.
    """
    spans = (_span(each, starts, ends, zone) for each in dates if _exists(each, zone))
    return tuple(Window(start, end) for start, end in spans if start < end)


def _span(on: date, starts: time, ends: time, zone: tzinfo) -> tuple[int, int]:
    until = on if starts < ends else on + _NEXT
    start = seconds(datetime.combine(on, starts), zone)
    return start, seconds(datetime.combine(until, ends), zone, end=True)


def _dates(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=count) for count in range((last - first).days + 1))


def _exists(on: date, zone: tzinfo) -> bool:
    """Whether the zone has any of this date: a skipped one starts where the next one does."""
    midnight = datetime.combine(on, time())
    return seconds(midnight, zone) < seconds(midnight + _NEXT, zone)


def _shown(local: datetime, zone: tzinfo, fold: int) -> int:
    return int(local.replace(tzinfo=zone, fold=fold).timestamp())


def _jump(before: int, after: int, zone: tzinfo, local: datetime) -> int:
    """Return the first moment between two at which the clock is past `local`."""

    def clock(moment: int) -> datetime:
        return datetime.fromtimestamp(moment, zone).replace(tzinfo=None)

    return before + bisect_left(range(before, after), local, key=clock)
