"""Plans, compared with a reading of the clock on the wall minute by minute."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from cloud.events.plan import ACCEPTED, ClassEntry, Entry, Hours, blames, compute, out_of_range
from cloud.events.zones import names, zone_of
from shared.errors import SENTENCES
from shared.event import Day, Gate, Plan, Policy, TicketClass, Window, Zone

# One and two hours, half an hour, a date that was skipped, changes for a month of fasting.
PLACES = ("Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll",
          "Pacific/Apia", "Africa/Casablanca", "America/St_Johns")  # fmt: skip
MINUTE = 60


def plan_of(zone: str, days: tuple[Hours, ...], entry: Entry | None = None) -> Plan:
    """Return the plan of an event with one zone, one gate and one class."""
    return compute(
        "Night", zone, ZoneInfo(zone), zones=[Zone(1, "Hall")], gates=[Gate(1, "Door", 1)],
        days=days, classes=[ClassEntry(0, "Entry", entry or Entry(zones=(1,)))], policy=Policy(),
    )  # fmt: skip


def wall(zone: str, around: date) -> list[tuple[int, datetime]]:
    """Return what the clock on the wall shows at each minute of the days around a date."""
    noon = int(datetime.combine(around, time(12), ZoneInfo("UTC")).timestamp())
    minutes = range(noon - 2 * 86400, noon + 4 * 86400, MINUTE)
    place = ZoneInfo(zone)
    return [(m, datetime.fromtimestamp(m, place).replace(tzinfo=None)) for m in minutes]


def reached(clock: list[tuple[int, datetime]], local: datetime) -> int:
    """Return when the clock first shows a time, or jumps over it."""
    return next(moment for moment, shown in clock if shown >= local)


def passed(clock: list[tuple[int, datetime]], local: datetime) -> int:
    """Return when the clock shows a time for the last time, or has jumped over it."""
    shows = [moment for moment, shown in clock if shown == local]
    return max(shows or [moment + MINUTE for moment, shown in clock if shown < local])


def expected(zone: str, hours: Hours) -> list[tuple[int, int]]:
    """Return the span that the wall's clock says."""
    clock = wall(zone, hours.date)
    if not any(shown.date() == hours.date for _, shown in clock):
        return []
    opens = time.fromisoformat(hours.opens)
    start = reached(clock, datetime.combine(hours.date, opens))
    following = hours.date + timedelta(days=1)
    if hours.closes is None:
        while not any(shown.date() == following for _, shown in clock):
            following += timedelta(days=1)
        return [(start, reached(clock, datetime.combine(following, opens)))]
    closes = time.fromisoformat(hours.closes)
    end = passed(clock, datetime.combine(following if closes <= opens else hours.date, closes))
    return [(start, end)] if start < end else []


clocks = st.times().map(lambda at: at.strftime("%H:%M"))
near_changes = st.sampled_from(
    [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25),
     date(2026, 3, 8), date(2026, 11, 1), date(2026, 4, 4), date(2026, 4, 5),
     date(2011, 12, 29), date(2011, 12, 30), date(2026, 2, 15), date(2026, 3, 22)]
)  # fmt: skip
spans = st.builds(
    Hours,
    date=near_changes | st.dates(date(2000, 1, 2), date(2035, 1, 1)),
    opens=clocks | st.sampled_from(["00:00", "02:00", "02:30", "03:00"]),
    closes=st.none() | clocks | st.sampled_from(["00:00", "02:00", "02:30", "03:00"]),
)


@given(st.sampled_from(PLACES), spans)
@example("Europe/Madrid", Hours(date(2026, 3, 29), "02:30", "03:00"))  # all of it skipped
@example("Europe/Madrid", Hours(date(2026, 10, 25), "02:30", "02:45"))  # comes twice
@example("Europe/Madrid", Hours(date(2026, 10, 25), "00:00", "02:00"))  # shown twice
@example("Pacific/Apia", Hours(date(2011, 12, 29), "12:00"))  # lasts over the skipped date
@example("Pacific/Apia", Hours(date(2011, 12, 30), "12:00", "13:00"))
def test_days_and_windows_are_what_the_wall_shows(zone: str, hours: Hours) -> None:
    """A span is as long as the clock on the wall says, whatever it does in between."""
    plan = plan_of(zone, (hours,), Entry(zones=(1,), hours=(hours,)))
    wanted = expected(zone, hours)
    assert [(day.start, day.end) for day in plan.days] == wanted
    assert [(each.start, each.end) for each in plan.classes[0].windows] == wanted


def test_days_are_numbered_in_their_order() -> None:
    """Days count from 1, a skipped date not at all, and a gap between them is no fault."""
    days = tuple(Hours(date(2011, 12, day), "10:00", "18:00") for day in (29, 30, 31))
    plan = plan_of("Pacific/Apia", days, Entry(zones=(1,), per="day", day_cap=1))
    assert [day.index for day in plan.days] == [1, 2]
    assert blames(plan) == []


def test_written_windows_and_hours_stand_together() -> None:
    """`hours` are added to the windows that were given in seconds."""
    window = Window(5, 6)
    hours = Hours(date(2026, 1, 1), "01:00", "02:00")
    plan = plan_of("UTC", (), Entry(zones=(1,), windows=(window,), hours=(hours,)))
    assert plan.classes[0].windows == (window, Window(1767229200, 1767232800))


def test_an_entry_rule_says_all_that_a_class_can() -> None:
    """Entry has the very fields of shared.event.TicketClass, and `hours`."""
    mine = {field.name: field for field in msgspec.structs.fields(Entry)}
    theirs = {field.name: field for field in msgspec.structs.fields(TicketClass)}
    assert mine.keys() - theirs.keys() == {"hours"}
    assert theirs.keys() - mine.keys() == {"index", "name"}
    for name in mine.keys() & theirs.keys():
        assert (mine[name].type, mine[name].default) == (theirs[name].type, theirs[name].default)


def test_a_sound_plan_can_be_signed_into_a_head() -> None:
    """What is computed passes the wire's own bounds."""
    plan = plan_of("Asia/Tokyo", (Hours(date(2100, 12, 31), "00:00"),))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_every_fault_has_a_place_and_a_remedy() -> None:
    """Each fault that shared.rules knows is told with its field and what is accepted."""
    assert set(ACCEPTED) == {code for code in SENTENCES if code.startswith("plan_")}


def test_a_fault_of_days_is_told_by_day() -> None:
    """Overlapping days are blamed on the later one."""
    days = (Hours(date(2026, 1, 1), "10:00"), Hours(date(2026, 1, 2), "09:00"))
    plan = plan_of("UTC", days)
    assert plan.days[1] == Day(2, 1767344400, 1767430800)
    assert [(blame.code, blame.field) for blame in blames(plan)] == [
        ("plan_day_order", "/days/2/opens")
    ]


def test_years_that_no_token_reaches_are_out_of_range() -> None:
    """Dates are taken from 2000 to 2100."""
    found = [out_of_range([Hours(date(y, 1, 1), "10:00")]) for y in (1999, 2000, 2100, 2101)]
    assert found == [True, False, False, True]


def test_every_zone_of_the_list_is_one() -> None:
    """Each name that is taken leads to a zone, and the list is not empty."""
    assert len(names()) > 400
    assert all(str(zone_of(name)) == name for name in names())
