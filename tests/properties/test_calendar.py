"""Days and moments, in zones that change their clocks in every way there is."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis import example, given

from shared.calendar import days, seconds, windows

ZONES = st.sampled_from(
    [
        "Europe/Madrid",
        "America/New_York",
        "America/Havana",  # midnight comes twice, or not at all
        "Australia/Lord_Howe",  # half an hour
        "Pacific/Apia",  # skipped 2011-12-30
        "Pacific/Kwajalein",  # skipped 1993-08-21
        "Africa/Casablanca",  # back for Ramadan
        "Asia/Kathmandu",  # +5:45
        "UTC",
    ]
).map(ZoneInfo)
MOMENTS = st.integers(0, 2_500_000_000)
DATES = st.dates(date(1990, 1, 1), date(2045, 1, 1))
TIMES = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))


def clock(moment: int, zone: ZoneInfo) -> datetime:
    """Return what a clock on the wall shows."""
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None)


@given(MOMENTS, ZONES)
def test_a_moment_is_found_by_what_the_clock_showed(moment: int, zone: ZoneInfo) -> None:
    """It is the first or the second coming of that time, and both show it."""
    local = clock(moment, zone)
    first, second = seconds(local, zone), seconds(local, zone, end=True)
    assert moment in (first, second)
    assert clock(first, zone) == clock(second, zone) == local


@given(DATES, TIMES, ZONES)
@example(date(2011, 12, 30), time(12), ZoneInfo("Pacific/Apia"))
@example(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Madrid"))
@example(date(2026, 4, 5), time(1, 45), ZoneInfo("Australia/Lord_Howe"))
def test_before_a_moment_the_clock_shows_less(on: date, at: time, zone: ZoneInfo) -> None:
    """At it the clock shows the time or, where that was skipped, one beyond it."""
    local = datetime.combine(on, at)
    first = seconds(local, zone)
    assert clock(first - 1, zone) < local <= clock(first, zone)
    assert seconds(local, zone, end=True) >= first


@given(DATES, st.integers(0, 40), TIMES, ZONES)
@example(date(2011, 12, 25), 10, time(6), ZoneInfo("Pacific/Apia"))
@example(date(1993, 8, 15), 10, time(0), ZoneInfo("Pacific/Kwajalein"))
@example(date(2026, 10, 31), 2, time(0), ZoneInfo("America/Havana"))
def test_days_follow_one_another(first: date, more: int, starts: time, zone: ZoneInfo) -> None:
    """Numbered from 1, none empty, none longer than 26 hours, no gap and no overlap."""
    last = first + timedelta(days=more)
    made = days(first, last, starts, zone)
    assert more - 1 <= len(made) - 1 <= more
    assert [day.index for day in made] == list(range(1, len(made) + 1))
    assert all(one.end == two.start for one, two in pairwise(made))
    assert all(22 * 3600 <= day.end - day.start <= 26 * 3600 for day in made)
    assert all(clock(day.start, zone).time() >= starts for day in made)


@given(st.lists(DATES, max_size=5), TIMES, TIMES, ZONES)
def test_windows_are_never_empty(
    dates: list[date], opens: time, ends: time, zone: ZoneInfo
) -> None:
    """Nor longer than a day and the hours that come twice."""
    made = windows(dates, opens, ends, zone)
    assert len(made) <= len(dates)
    assert all(0 < window.end - window.start <= 26 * 3600 for window in made)
