"""A plan may be well typed and make no sense (spec/rules.md §4)."""

import msgspec
import pytest

from shared.errors import SENTENCES
from shared.event import Day, Gate, Plan, Question, TicketClass, Window, Zone
from shared.rules.faults import Fault, faults, sound

HALL, FOYER = Zone(id=1, name="Hall"), Zone(id=2, name="Foyer", parent=1)
DOOR, SIDE = Gate(id=1, name="Door", zone=1), Gate(id=2, name="Side", zone=2)
DAYS = (Day(index=1, start=100, end=200), Day(index=2, start=200, end=300))
SEAT = TicketClass(index=0, name="Seat", zones=(1,))
PLAN = Plan((HALL, FOYER), (DOOR, SIDE), (SEAT,), DAYS)


def plan(**changes: object) -> Plan:
    return msgspec.structs.replace(PLAN, **changes)


def hall(*zones: Zone) -> Plan:
    """Return a plan in which nothing stands on `zones`."""
    return plan(zones=(HALL, *zones), gates=(DOOR,))


def seat(**changes: object) -> Plan:
    return plan(classes=(msgspec.structs.replace(SEAT, **changes),))


def test_a_sound_plan_has_no_fault() -> None:
    """All parts of it may be used."""
    assert faults(PLAN) == ()
    assert sound(PLAN) == (frozenset({1, 2}), {1: DOOR, 2: SIDE}, True)


ZONE_7, ZONE_8 = Zone(id=7, name="7", parent=8), Zone(id=8, name="8", parent=7)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (hall(FOYER, FOYER), {("plan_zone_repeated", "zone", 2)}),
        (hall(Zone(id=2, name="2", parent=9)), {("plan_zone_parent", "zone", 2)}),
        (hall(Zone(id=2, name="2", parent=2)), {("plan_zone_parent", "zone", 2)}),
        (
            hall(ZONE_7, ZONE_8),
            {("plan_zone_parent", "zone", 7), ("plan_zone_parent", "zone", 8)},
        ),
        (
            hall(ZONE_7, ZONE_8, Zone(id=9, name="9", parent=7)),
            {("plan_zone_parent", "zone", i) for i in (7, 8, 9)},
        ),
        (plan(gates=(DOOR, DOOR)), {("plan_gate_repeated", "gate", 1)}),
        (plan(gates=(DOOR, Gate(id=2, name="2", zone=9))), {("plan_gate_zone", "gate", 2)}),
        (plan(days=(Day(index=1, start=100, end=100),)), {("plan_day_bounds", "day", 1)}),
        (plan(days=DAYS[::-1]), {("plan_day_order", "day", 1)}),
        (
            plan(days=(DAYS[0], Day(index=2, start=199, end=300))),
            {("plan_day_order", "day", 2)},
        ),
        (
            plan(days=(DAYS[0], Day(index=1, start=200, end=300))),
            {("plan_day_order", "day", 1)},
        ),
        (plan(classes=(SEAT, SEAT)), {("plan_class_repeated", "class", 0)}),
        (seat(zones=()), {("plan_class_zones", "class", 0)}),
        (seat(zones=(1, 9)), {("plan_class_zones", "class", 0)}),
        (seat(gates=(9,)), {("plan_class_gates", "class", 0)}),
        (seat(gates=(2,)), {("plan_class_gates", "class", 0)}),
        (seat(valid_from=5, valid_until=5), {("plan_class_validity", "class", 0)}),
        (seat(windows=(Window(start=5, end=5),)), {("plan_class_window", "class", 0)}),
        (seat(day_cap=2), {("plan_class_days", "class", 0)}),
        (
            seat(questions=(Question(id=1, text="a"), Question(id=1, text="b"))),
            {("plan_class_questions", "class", 0)},
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_and_nothing_else_is(
    broken: Plan, expected: set[tuple[str, str, int]]
) -> None:
    """Each plan has one thing wrong with it, and a sentence says what."""
    found = faults(broken)
    assert {tuple(fault) for fault in found} == expected
    assert all(fault.code in SENTENCES for fault in found)


def test_what_stands_on_a_faulty_part_is_faulty_too() -> None:
    """A zone in a loop takes its gate and its class along."""
    hall = Zone(id=1, name="Hall", parent=2)
    assert set(faults(plan(zones=(hall, FOYER)))) == {
        Fault("plan_zone_parent", "zone", 1),
        Fault("plan_zone_parent", "zone", 2),
        Fault("plan_gate_zone", "gate", 1),
        Fault("plan_gate_zone", "gate", 2),
        Fault("plan_class_zones", "class", 0),
    }


@pytest.mark.parametrize("days", [(), DAYS[::-1]])
def test_a_class_by_the_day_needs_days_that_make_sense(days: tuple[Day, ...]) -> None:
    """No days, or days out of order: such a class has no pool to count in."""
    by_day = msgspec.structs.replace(SEAT, per="day")
    found = faults(plan(days=days, classes=(by_day,)))
    assert Fault("plan_class_days", "class", 0) in found
    assert not any(faults(seat(per="day", day_cap=2)))


def test_days_may_leave_gaps() -> None:
    """A festival rests on Monday: days need not meet, only not overlap."""
    assert faults(plan(days=(DAYS[0], Day(index=5, start=250, end=300)))) == ()


def test_a_plan_of_ten_thousand_nested_zones_is_judged_in_linear_time() -> None:
    """A deep chain is no reason to walk it once for every zone."""
    depth = 10_000
    zones = tuple(Zone(id=i, name="z", parent=i - 1) for i in range(1, depth + 1))
    assert faults(plan(zones=zones)) == ()
    looped = (*zones[1:], Zone(id=1, name="z", parent=depth))
    assert len(sound(plan(zones=looped)).zones) == 0
