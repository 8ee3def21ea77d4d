"""What was expected of the evening, and what happened. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from statistics import quantiles
from typing import Any, NamedTuple

from demo.crowd import ADMITTED, READMITTED, Plan, gate_of, totals
from demo.queues import Happened, settled
from demo.venue import GATES
from shared.outcomes import BY_CODE, Signal


class Row(NamedTuple):
    """One line of the table."""

    what: str
    expected: str
    happened: str

    @property
    def same(self) -> bool:
        """Whether it went as it should."""
        return self.expected == self.happened


class Seen(NamedTuple):
    """What one holder of the logs says at the end."""

    entered: Mapping[str, int]  # by gate
    inside: int
    incidents: Mapping[str, int]  # by kind
    digest: str = ""  # of its whole view
    waiting: int = 0  # records that the cloud has not confirmed


def seen_in(view: Mapping[str, Any], waiting: int = 0) -> Seen:
    """Return what a view says, which gates and the cloud tell in the same form."""
    plain = json.dumps(view, sort_keys=True, separators=(",", ":"))
    return Seen(
        entered={GATES[each["gate"] - 1]: each["entries"] for each in view["gates"]},
        inside=sum(each["people"] for each in view["inside"]),
        incidents=Counter(each["kind"] for each in view["findings"]),
        digest=sha256(plain.encode()).hexdigest(),
        waiting=waiting,
    )


def table(
    plan: Plan,
    happened: Sequence[Happened],
    seen: Mapping[str, Seen],
    to_settle: Mapping[str, int],
) -> list[Row]:
    """Return every line. `seen`: by who says it, each gate and the cloud; `to_settle`: by kind."""
    happened = settled(happened)
    drawn = {each.visit.number: each.visit for each in happened}  # which of two rivals got in
    plan = plan._replace(visits=[drawn.get(visit.number, visit) for visit in plan.visits])
    return [
        *_outcomes(plan, happened),
        *_people(plan, seen),
        *_incidents(plan, seen),
        Row("for the organizer to settle", _counted(plan.incidents), _counted(to_settle)),
        *_agreement(seen),
    ]


def _outcomes(plan: Plan, happened: Sequence[Happened]) -> list[Row]:
    wanted = Counter(visit.expected for visit in plan.visits)
    got = Counter(each.code for each in happened)
    codes = sorted(wanted | got, key=_order)
    rows = [Row(_called(code), f"{wanted[code]:,}", f"{got[code]:,}") for code in codes]
    odd = [each for each in happened if not each.as_expected]
    names = [each for each in happened if not _named(plan, each)]
    return [
        *rows,
        Row("guests who got another answer", "0", str(len(odd))),
        Row("admitted under another name", "0", str(len(names))),
    ]


def _people(plan: Plan, seen: Mapping[str, Seen]) -> list[Row]:
    wanted = totals((gate_of(visit.lane), visit.expected) for visit in plan.visits)
    rows = []
    for who, each in seen.items():
        entered = ", ".join(f"{gate} {each.entered.get(gate, 0):,}" for gate in GATES)
        expected = ", ".join(f"{gate} {wanted.entered[gate]:,}" for gate in GATES)
        rows.append(Row(f"entered, says {who}", expected, entered))
        rows.append(Row(f"inside, says {who}", f"{wanted.inside:,}", f"{each.inside:,}"))
    return rows


def _incidents(plan: Plan, seen: Mapping[str, Seen]) -> list[Row]:
    return [
        Row(f"incidents, says {who}", _counted(plan.incidents), _counted(each.incidents))
        for who, each in seen.items()
    ]


def _agreement(seen: Mapping[str, Seen]) -> list[Row]:
    digests = {each.digest for each in seen.values()}
    waiting = sum(each.waiting for each in seen.values())
    return [
        Row("different views of the evening", "1", str(len(digests))),
        Row("records that the cloud lacks", "0", str(waiting)),
    ]


def _counted(incidents: Mapping[str, int]) -> str:
    told = (f"{count} {kind}" for kind, count in sorted(incidents.items()) if count)
    return ", ".join(told) or "none"


def _named(plan: Plan, each: Happened) -> bool:
    """Say whether a screen that admitted showed the name on the guest's ticket."""
    guest = plan.guests[each.visit.guest]
    return each.code not in (ADMITTED, READMITTED) or each.name == guest.printed


def _order(code: str) -> tuple[int, str]:
    outcome = BY_CODE.get(code)
    return (outcome.number if outcome else 1 << 16, code)


def _called(code: str) -> str:
    outcome = BY_CODE.get(code)
    word = {Signal.ADMIT: "let in or out", Signal.ACT: "asked again", Signal.REFUSE: "refused"}
    return f"{word.get(outcome.signal, 'trouble')}: {code}" if outcome else code


def speed(happened: Sequence[Happened]) -> tuple[int, int]:
    """Return the median and the 95th percentile from holding up to the answer, in ms."""
    cuts = quantiles((each.seconds for each in happened), n=20)
    return round(cuts[9] * 1000), round(cuts[18] * 1000)
