"""A plan compiled for decisions (spec/rules.md §3 and §4)."""

import pytest

from shared.errors import Refused
from shared.event import Gate, Plan, TicketClass, Zone
from shared.instant import Instant
from shared.rules.compiled import Age, compile_rules
from tests import festival
from tests.festival import (
    ARENA,
    CLUB,
    CLUB_DOOR,
    DAY,
    GARDEN_GATE,
    HOUR,
    MIDNIGHT,
    NOON,
    NORTH,
    PIT,
    PIT_GATE,
    SOUTH,
    WAY_OUT,
)
from tests.scribe import EVENT

RULES = festival.rules()


def around(gate: int) -> tuple[set[int], set[int]]:
    chosen = RULES.post(gate, exiting=False)
    return set(chosen.inner), set(chosen.related)


def test_a_post_knows_which_zones_lie_in_its_own_and_around_it() -> None:
    """The pit lies in the club, and that in the arena; the garden lies beside."""
    everything = {ARENA, CLUB, PIT}
    assert around(NORTH) == ({CLUB, PIT}, everything)
    assert around(CLUB_DOOR) == ({PIT}, everything)
    assert around(PIT_GATE) == (set(), everything)
    assert around(GARDEN_GATE) == (set(), {festival.GARDEN})


@pytest.mark.parametrize(
    ("gate", "exiting", "code"),
    [
        (99, False, "post_gate"),
        (WAY_OUT, False, "post_direction"),
        (SOUTH, True, "post_direction"),
    ],
)
def test_a_device_cannot_stand_where_nothing_is(gate: int, exiting: bool, code: str) -> None:
    """Neither at a gate that does not exist nor against its direction."""
    with pytest.raises(Refused) as caught:
        RULES.post(gate, exiting=exiting)
    assert caught.value.code == code


def test_a_gate_for_both_directions_serves_either() -> None:
    """Staff choose on the device."""
    assert RULES.post(NORTH, exiting=True).exiting
    assert not RULES.post(NORTH, exiting=False).exiting


def test_an_unsound_gate_cannot_be_chosen() -> None:
    """Two gates of one number: nobody can say which is meant."""
    twice = (Gate(id=1, name="A", zone=1), Gate(id=1, name="B", zone=1))
    rules = compile_rules(EVENT, Plan((Zone(id=1, name="Hall"),), twice, ()), 0, 0)
    with pytest.raises(Refused):
        rules.post(1, exiting=False)


def test_a_class_is_admitted_by_the_gates_of_its_zones_that_let_in() -> None:
    """Exits are not among them; a class may name fewer."""
    assert RULES.classes[festival.SEAT].gates == (NORTH, SOUTH)
    assert RULES.classes[festival.SOUTH_ONLY].gates == (SOUTH,)


@pytest.mark.parametrize(
    ("ticket_class", "terms"),
    [(festival.SEAT, 0xFF), (festival.ONCE, 0x7F), (festival.TWO_DAYS, 0x82)],
)
def test_terms_are_a_class_in_one_byte(ticket_class: int, terms: int) -> None:
    """Re-entry in bit 7, the cap on days below it, 127 for none."""
    assert RULES.classes[ticket_class].terms == terms


def test_terms_of_a_capped_class_without_re_entry() -> None:
    """The cap alone."""
    capped = TicketClass(index=0, name="n", zones=(ARENA,), per="day", day_cap=2)
    plan = Plan(festival.PLAN.zones, (), (capped,), festival.PLAN.days)
    assert compile_rules(EVENT, plan, 0, 0).classes[0].terms == 2


def test_a_zone_ends_where_its_chain_of_parents_is_faulty() -> None:
    """Two zones of number 2: the one in which 3 lies has no known surroundings."""
    zones = (Zone(id=1, name="a"), Zone(id=2, name="b"), Zone(id=2, name="c"),
             Zone(id=3, name="d", parent=2))  # fmt: skip
    plan = Plan(zones, (Gate(id=1, name="g", zone=3),), ())
    chosen = compile_rules(EVENT, plan, 0, 0).post(1, exiting=False)
    assert chosen.related == frozenset({2, 3})


def test_a_day_is_half_open() -> None:
    """Its first second is in it, its end is in the next."""
    bounds = [MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + DAY - 1, MIDNIGHT + DAY, MIDNIGHT + 3 * DAY]
    assert [RULES.day_at(second) for second in bounds] == [None, 1, 1, 2, None]


def test_the_nearest_day_is_the_newest_begun_else_the_first() -> None:
    """And none where the event has no days."""
    seconds = (0, MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 9 * DAY)
    assert [RULES.nearest_day(second) for second in seconds] == [1, 1, 2, 3]
    assert compile_rules(EVENT, Plan((), (), ()), 0, 0).nearest_day(NOON) == 0


@pytest.mark.parametrize(
    ("age", "trusted", "expected"),
    [
        (0, True, Age.FRESH),
        (6 * HOUR, True, Age.FRESH),
        (6 * HOUR + 1, True, Age.STALE),
        (24 * HOUR, True, Age.STALE),
        (24 * HOUR + 1, True, Age.RESTRICTED),
        (0, False, Age.STALE),
        (99 * HOUR, False, Age.STALE),
        (-HOUR, True, Age.FRESH),
    ],
)
def test_the_age_of_a_head(age: int, trusted: bool, expected: Age) -> None:
    """Beyond the first age it is stale, beyond the second restricted."""
    assert festival.rules(issued=NOON - age).age(Instant(NOON * 1000, trusted)) is expected


def test_a_head_that_restricts_before_it_warns_restricts() -> None:
    """The second age counts by itself, whatever the first is."""
    rules = festival.rules(issued=NOON - 11, warn_age=100, restrict_age=10)
    assert rules.age(festival.at(NOON)) is Age.RESTRICTED
