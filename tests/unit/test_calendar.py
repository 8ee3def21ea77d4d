"""Dates and times of day become the right seconds, also where clocks change.

Expected moments are given in UTC, worked out by hand from the zones' published rules.
"""

from datetime import UTC, date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from shared.calendar import days, seconds, windows
from shared.event import Day, Window

MADRID = ZoneInfo("Europe/Madrid")  # +1, in summer +2; 2026-03-29 02:00, 2026-10-25 03:00
NEW_YORK = ZoneInfo("America/New_York")  # -5, in summer -4; 2026-03-08 02:00, 2026-11-01 02:00
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # +10:30, in summer +11; 2026-04-05 02:00, back 30 min
HAVANA = ZoneInfo("America/Havana")  # back from 01:00 to 00:00 on 2026-11-01: midnight twice
APIA = ZoneInfo("Pacific/Apia")  # -10 until the end of 2011-12-29, then +14: no 2011-12-30
HOUR = 3600


def utc(text: str) -> int:
    """Return a moment given in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def hours(of: tuple[Day, ...]) -> list[float]:
    """Return how long each day lasts."""
    return [(day.end - day.start) / HOUR for day in of]


@pytest.mark.parametrize(
    ("local", "zone", "start", "end"),
    [
        ("2026-07-01T20:00", MADRID, "2026-07-01T18:00", "2026-07-01T18:00"),
        ("2026-03-29T01:59", MADRID, "2026-03-29T00:59", "2026-03-29T00:59"),
        ("2026-03-29T02:00", MADRID, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-03-29T02:59", MADRID, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-03-29T03:00", MADRID, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("2026-10-25T01:59", MADRID, "2026-10-24T23:59", "2026-10-24T23:59"),
        ("2026-10-25T02:00", MADRID, "2026-10-25T00:00", "2026-10-25T01:00"),
        ("2026-10-25T02:59", MADRID, "2026-10-25T00:59", "2026-10-25T01:59"),
        ("2026-10-25T03:00", MADRID, "2026-10-25T02:00", "2026-10-25T02:00"),
        ("2026-03-08T02:30", NEW_YORK, "2026-03-08T07:00", "2026-03-08T07:00"),
        ("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30", "2026-11-01T06:30"),
        ("2026-04-05T01:45", LORD_HOWE, "2026-04-04T14:45", "2026-04-04T15:15"),
        ("2026-10-04T02:15", LORD_HOWE, "2026-10-03T15:30", "2026-10-03T15:30"),
        ("2011-12-30T12:00", APIA, "2011-12-30T10:00", "2011-12-30T10:00"),
    ],
)
def test_a_local_time_is_its_first_coming_or_its_second_or_the_jump(
    local: str, zone: ZoneInfo, start: str, end: str
) -> None:
    """The first where something starts, the second where it ends; a skipped one is the jump."""
    naive = datetime.fromisoformat(local)
    assert seconds(naive, zone) == utc(start)
    assert seconds(naive, zone, end=True) == utc(end)


def test_before_1970_seconds_are_negative() -> None:
    """New York put its clocks forward on 1969-04-27 at 02:00, five hours behind UTC."""
    assert seconds(datetime(1969, 4, 27, 2, 30), NEW_YORK) == utc("1969-04-27T07:00")  # noqa: DTZ001


@pytest.mark.parametrize(
    ("first", "zone", "starts", "lengths"),
    [
        (date(2026, 3, 28), MADRID, time(0), [24, 23, 24]),
        (date(2026, 10, 24), MADRID, time(0), [24, 25, 24]),
        (date(2026, 3, 28), MADRID, time(6), [23, 24, 24]),
        (date(2026, 3, 28), MADRID, time(2, 30), [23.5, 23.5, 24]),
        (date(2026, 10, 24), MADRID, time(2, 30), [24, 25, 24]),
        (date(2026, 3, 7), NEW_YORK, time(0), [24, 23, 24]),
        (date(2026, 10, 31), NEW_YORK, time(0), [24, 25, 24]),
        (date(2026, 4, 4), LORD_HOWE, time(0), [24, 24.5, 24]),
        (date(2026, 10, 3), LORD_HOWE, time(0), [24, 23.5, 24]),
        (date(2026, 10, 31), HAVANA, time(0), [24, 25, 24]),
    ],
)
def test_days_are_as_long_as_their_clocks_make_them(
    first: date, zone: ZoneInfo, starts: time, lengths: list[float]
) -> None:
    """They are numbered from 1, and each ends where the next begins."""
    made = days(first, date.fromordinal(first.toordinal() + 2), starts, zone)
    assert hours(made) == lengths
    assert [day.index for day in made] == [1, 2, 3]
    assert all(one.end == two.start for one, two in pairwise(made))


@pytest.mark.parametrize("starts", [time(0), time(6)])
def test_a_date_that_the_zone_skipped_is_no_day(starts: time) -> None:
    """29 and 31 December are neighbours, and last 24 hours each."""
    made = days(date(2011, 12, 28), date(2012, 1, 1), starts, APIA)
    assert hours(made) == [24, 24, 24, 24]
    assert [datetime.fromtimestamp(day.start, APIA).day for day in made] == [28, 29, 31, 1]


def test_the_last_day_ends_where_the_next_date_begins() -> None:
    """Also where the date after it was skipped."""
    assert hours(days(date(2011, 12, 29), date(2011, 12, 29), time(6), APIA)) == [24]
    assert hours(days(date(2011, 12, 29), date(2011, 12, 30), time(6), APIA)) == [24]
    assert days(date(2011, 12, 30), date(2011, 12, 30), time(6), APIA) == ()


def test_windows_are_on_their_dates() -> None:
    """One each; an end not after the start is on the next date."""
    dates = [date(2026, 7, 1), date(2026, 7, 3)]
    assert windows(dates, time(18), time(23), MADRID) == (
        Window(utc("2026-07-01T16:00"), utc("2026-07-01T21:00")),
        Window(utc("2026-07-03T16:00"), utc("2026-07-03T21:00")),
    )
    assert windows(dates[:1], time(22), time(2), MADRID) == (
        Window(utc("2026-07-01T20:00"), utc("2026-07-02T00:00")),
    )
    assert windows(dates[:1], time(6), time(6), MADRID) == (
        Window(utc("2026-07-01T04:00"), utc("2026-07-02T04:00")),
    )


def test_a_window_over_the_hour_that_comes_twice_has_both() -> None:
    """01:30 to 02:30 on the night of the change is two hours."""
    [window] = windows([date(2026, 10, 25)], time(1, 30), time(2, 30), MADRID)
    assert window == Window(utc("2026-10-24T23:30"), utc("2026-10-25T01:30"))


def test_a_window_inside_a_jump_is_left_out() -> None:
    """02:10 to 02:50 never was; the same on the next date is there."""
    dates = [date(2026, 3, 29), date(2026, 3, 30)]
    [window] = windows(dates, time(2, 10), time(2, 50), MADRID)
    assert window == Window(utc("2026-03-30T00:10"), utc("2026-03-30T00:50"))


def test_a_window_on_a_skipped_date_is_left_out() -> None:
    """Although its end, on the next date, exists."""
    assert windows([date(2011, 12, 30)], time(22), time(2), APIA) == ()
