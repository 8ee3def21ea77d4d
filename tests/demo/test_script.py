"""The plan of the evening: what it promises whoever plays it."""

from collections import Counter

import pytest

from demo import script, venue
from demo.crowd import Chapter, Fate, Held, Plan, gate_of
from shared.merge.incidents import Incident
from shared.outcomes import BY_CODE

SEEDS = (1, 7, 2026)


@pytest.fixture(params=SEEDS)
def plan(request: pytest.FixtureRequest) -> Plan:
    """A full evening."""
    return script.make(request.param)


def test_a_seed_names_the_evening() -> None:
    """The same seed is the same crowd, another seed another one."""
    assert script.make(7, 300) == script.make(7, 300)
    assert script.make(7, 300) != script.make(8, 300)


def test_there_is_a_ticket_for_each_of_two_thousand(plan: Plan) -> None:
    """As many guests as were asked for, numbered, and each of them comes."""
    assert [guest.number for guest in plan.guests] == list(range(2000))
    assert {visit.guest for visit in plan.visits} == set(range(2000))


def test_nobody_waits_for_somebody_who_comes_later(plan: Plan) -> None:
    """Lanes never wait for each other in a circle: in the order of moments, whoever is waited
    for has come before."""
    by_number = {visit.number: visit for visit in plan.visits}
    for chapter in Chapter:
        for visits in plan.chapter(chapter).values():
            for visit in visits:
                if visit.after is not None:
                    first = by_number[visit.after]
                    assert first.chapter is chapter
                    assert (first.moment, first.number) < (visit.moment, visit.number)


def test_nobody_shows_one_lane_a_ticket_again_at_once(plan: Plan) -> None:
    """A lane takes a ticket that it has just seen for the same scan: whoever comes there again
    has walked away first."""
    by_number = {visit.number: visit for visit in plan.visits}
    unknown = (Held.FORGED, Held.FOREIGN, Held.ADVERT, Held.OTHER_NIGHT)
    seen: dict[tuple[str, int], int] = {}
    for visit in sorted(plan.visits, key=lambda each: (each.chapter, each.moment, each.number)):
        if visit.held in unknown:
            continue
        before = seen.get((visit.lane, visit.guest))
        seen[visit.lane, visit.guest] = visit.number
        if before is not None:
            earlier = set()
            at = visit.after
            while at is not None:
                earlier.add(at)
                at = by_number[at].after
            assert before in earlier


def test_rivals_come_at_one_moment_to_two_gates_that_hear_of_each_other(plan: Plan) -> None:
    """Two next to each other in the plan, so that lanes meet in one order; one is to get in."""
    by_number = {visit.number: visit for visit in plan.visits}
    pairs = [(v, by_number[v.rival]) for v in plan.visits if v.rival is not None]
    assert len(pairs) >= 20
    for one, other in pairs:
        assert other.rival == one.number
        assert abs(one.number - other.number) == 1
        assert (one.chapter, one.moment, one.guest) == (other.chapter, other.moment, other.guest)
        assert {one.expected, other.expected} == {"admitted", "already_admitted"}
        gates = gate_of(one.lane), gate_of(other.lane)
        assert gates[0] != gates[1]
        assert one.chapter is not Chapter.PARTED or venue.WEST not in gates


def test_every_visit_is_in_one_lane_of_its_chapter(plan: Plan) -> None:
    """Nobody is forgotten by the chapters."""
    played = [
        visit.number
        for chapter in Chapter
        for visits in plan.chapter(chapter).values()
        for visit in visits
    ]
    assert sorted(played) == [visit.number for visit in plan.visits]


def test_whoever_has_to_be_heard_of_is(plan: Plan) -> None:
    """While West is cut off, nobody is expected to be known across the cut."""
    by_number = {visit.number: visit for visit in plan.visits}
    across = Counter[str]()
    for visit in plan.visits:
        if visit.after is None or visit.chapter is not Chapter.PARTED:
            continue
        sides = {gate_of(v.lane) == venue.WEST for v in (visit, by_number[visit.after])}
        if len(sides) == 2:
            across[visit.expected] += 1
    assert set(across) == {"admitted", "exit"}  # never a refusal: nobody there can know


def test_only_an_exit_lets_out(plan: Plan) -> None:
    """Exits are at the way out, and nothing else is."""
    for visit in plan.visits:
        assert (visit.expected == "exit") is (visit.lane == venue.EXIT.id)


def test_expected_answers_are_outcomes(plan: Plan) -> None:
    """A misspelt code would never happen."""
    assert {visit.expected for visit in plan.visits} <= BY_CODE.keys()


def test_every_cheat_and_every_fate_is_met(plan: Plan) -> None:
    """Each kind is there, also in a small crowd."""
    for each in (plan, script.make(3, 300)):
        assert {visit.held for visit in each.visits} == set(Held)
        assert {guest.fate for guest in each.guests} == set(Fate)
        assert set(each.incidents) == {
            Incident.DOUBLE_ADMISSION, Incident.UNSEEN_EXIT,
            Incident.REVOKED_ADMISSION, Incident.SUPERSEDED_ADMISSION,
        }  # fmt: skip


def test_incidents_are_as_many_as_the_people_too_many(plan: Plan) -> None:
    """Counted apart from how the plan was written: entries beyond each ticket's rights."""
    entries = Counter(v.guest for v in plan.visits if v.expected in ("admitted", "readmitted"))
    exits = Counter(v.guest for v in plan.visits if v.expected == "exit")
    beyond = 0
    for guest, times in entries.items():
        allowance = venue.FAMILY_OF if plan.guests[guest].ticket_class == venue.FAMILY else 1
        beyond += max(0, times - allowance - exits[guest])
    assert beyond == plan.incidents[Incident.DOUBLE_ADMISSION]
