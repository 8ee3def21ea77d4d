"""The table at the end: it says so when the smallest thing went otherwise."""

from collections import Counter
from typing import Any

import pytest

from demo import script
from demo.crowd import Plan, gate_of, totals
from demo.queues import Happened
from demo.reckoning import Row, Seen, seen_in, speed, table
from demo.venue import GATES

HOLDERS = (*GATES, "the cloud")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A small evening."""
    return script.make(3, 300)


def as_planned(plan: Plan) -> list[Happened]:
    """Return an evening at which all went as it should."""
    return [Happened(v, v.expected, 0.1, plan.guests[v.guest].printed) for v in plan.visits]


def view(plan: Plan, **other: Any) -> Seen:
    """Return what everybody should say at the end."""
    wanted = totals((gate_of(v.lane), v.expected) for v in plan.visits)
    findings = [{"kind": kind} for kind in plan.incidents.elements()]
    gates = [{"gate": n, "entries": wanted.entered[name]} for n, name in enumerate(GATES, 1)]
    said = {
        "gates": gates,
        "inside": [{"zone": 1, "day": 0, "people": wanted.inside}],
        "findings": findings,
        **other,
    }
    return seen_in(said)


def odd(rows: list[Row]) -> list[str]:
    """Return what did not go as it should."""
    return [row.what for row in rows if not row.same]


def test_an_evening_as_planned_has_no_difference(plan: Plan) -> None:
    """Every line says the same twice."""
    seen = dict.fromkeys(HOLDERS, view(plan))
    assert odd(table(plan, as_planned(plan), seen, plan.incidents)) == []


def test_one_other_answer_shows(plan: Plan) -> None:
    """In both outcomes' lines, and as a guest who got another answer."""
    happened = as_planned(plan)
    at = next(i for i, each in enumerate(happened) if each.code == "admitted")
    happened[at] = happened[at]._replace(code="already_admitted")
    seen = dict.fromkeys(HOLDERS, view(plan))
    assert odd(table(plan, happened, seen, plan.incidents)) == [
        "let in or out: admitted", "refused: already_admitted", "guests who got another answer",
    ]  # fmt: skip


def test_two_wrong_answers_that_make_up_for_each_other_show(plan: Plan) -> None:
    """The sums are right, and two guests were not."""
    happened = as_planned(plan)
    one = next(i for i, each in enumerate(happened) if each.code == "admitted")
    other = next(i for i, each in enumerate(happened) if each.code == "blocked")
    happened[one] = happened[one]._replace(code="blocked")
    happened[other] = happened[other]._replace(code="admitted", name="")
    rows = odd(table(plan, happened, dict.fromkeys(HOLDERS, view(plan)), plan.incidents))
    assert rows == ["guests who got another answer", "admitted under another name"]


def test_a_missing_guest_shows(plan: Plan) -> None:
    """Whoever never came is missed in the sum."""
    happened = as_planned(plan)
    gone = happened.pop()
    rows = table(plan, happened, dict.fromkeys(HOLDERS, view(plan)), plan.incidents)
    assert len(odd(rows)) == 1
    assert gone.code in odd(rows)[0]


@pytest.mark.parametrize("who", HOLDERS)
def test_one_who_says_otherwise_shows(plan: Plan, who: str) -> None:
    """Of the people inside, of incidents, of a detail that only the view's hash has."""
    seen = dict.fromkeys(HOLDERS, view(plan))
    people = view(plan, inside=[{"zone": 1, "day": 0, "people": 1}])
    assert odd(table(plan, as_planned(plan), seen | {who: people}, plan.incidents)) == [
        f"inside, says {who}", "different views of the evening",
    ]  # fmt: skip
    more = view(plan, findings=[{"kind": "double_admission"}])
    assert f"incidents, says {who}" in odd(
        table(plan, as_planned(plan), seen | {who: more}, plan.incidents)
    )
    detail = view(plan, quarantined=1)
    assert odd(table(plan, as_planned(plan), seen | {who: detail}, plan.incidents)) == [
        "different views of the evening"
    ]


def test_records_that_were_not_sent_show(plan: Plan) -> None:
    """The cloud lacks something, whatever the sums say."""
    seen = dict.fromkeys(HOLDERS, view(plan)) | {"West": view(plan)._replace(waiting=2)}
    assert odd(table(plan, as_planned(plan), seen, plan.incidents)) == [
        "records that the cloud lacks"
    ]


def test_what_nobody_is_asked_to_settle_shows(plan: Plan) -> None:
    """All views have an incident that the organizer's list has not."""
    seen = dict.fromkeys(HOLDERS, view(plan))
    some = plan.incidents - Counter(["double_admission"])
    rows = odd(table(plan, as_planned(plan), seen, some))
    assert rows == ["for the organizer to settle"]


def rivals(happened: list[Happened]) -> tuple[int, int]:
    """Return the places of two who came in the same instant, whoever is to get in first."""
    one = next(
        at for at, each in enumerate(happened)
        if each.visit.rival is not None and each.visit.expected == "admitted"
    )  # fmt: skip
    rival = happened[one].visit.rival
    return one, next(at for at, each in enumerate(happened) if each.visit.number == rival)


def test_of_two_rivals_either_may_get_in(plan: Plan) -> None:
    """The other one got in: entries move to its gate, and nothing is amiss."""
    happened = as_planned(plan)
    one, other = rivals(happened)
    name = happened[one].name
    happened[one] = happened[one]._replace(code="already_admitted")
    happened[other] = happened[other]._replace(code="admitted", name=name)
    there, here = gate_of(happened[other].visit.lane), gate_of(happened[one].visit.lane)
    wanted = totals((gate_of(v.lane), v.expected) for v in plan.visits).entered
    wanted[there] += 1
    wanted[here] -= 1
    gates = [{"gate": n, "entries": wanted[gate]} for n, gate in enumerate(GATES, 1)]
    seen = dict.fromkeys(HOLDERS, view(plan, gates=gates))
    assert odd(table(plan, happened, seen, plan.incidents)) == []


@pytest.mark.parametrize("code", ["admitted", "already_admitted", "blocked"])
def test_of_two_rivals_just_one_may_get_in(plan: Plan, code: str) -> None:
    """Both, neither, or another answer: that is a difference."""
    happened = as_planned(plan)
    one, other = rivals(happened)
    happened[one] = happened[one]._replace(code=code)
    happened[other] = happened[other]._replace(code=code, name=happened[one].name)
    seen = dict.fromkeys(HOLDERS, view(plan))
    assert "guests who got another answer" in odd(table(plan, happened, seen, plan.incidents))


def test_totals_of_a_hand_written_evening() -> None:
    """Two in, one out and back, one refused."""
    told = [
        ("North", "admitted"), ("North", "admitted"), ("West", "exit"),
        ("South", "readmitted"), ("South", "blocked"),
    ]  # fmt: skip
    sums = totals(told)
    assert (sums.entered, sums.inside) == (Counter(North=2, South=1, West=0), 2)


def test_speed_is_of_all_visits(plan: Plan) -> None:
    """The middle, and all but one in twenty."""
    happened = [e._replace(seconds=0.001 * n) for n, e in enumerate(as_planned(plan)[:100], 1)]
    assert speed(happened) == (50, 96)
