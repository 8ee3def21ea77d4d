"""What is wrong with a plan, beyond what its types can say (spec/rules.md §4).

Whoever publishes a manifest refuses to publish a faulty plan. A gate that gets one all the
same goes on with what is sound in it: a class with a fault is `rules_broken`, an unsound gate
can't be chosen on a device, and exits stay open.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from shared.event import Day, Gate, Plan, TicketClass, Zone


class Fault(NamedTuple):
    """One fault: `code` is a key of `errors.SENTENCES`, `id` that of the faulty part."""

    code: str
    part: Literal["zone", "gate", "day", "class"]
    id: int


class Sound(NamedTuple):
    """What classes may refer to."""

    zones: frozenset[int]
    gates: dict[int, Gate]
    days: bool  # there are days, and all of them make sense


def faults(plan: Plan) -> tuple[Fault, ...]:
    """Return every fault of `plan`."""
    return (
        *_zone_faults(plan.zones),
        *_gate_faults(plan),
        *_day_faults(plan.days),
        *_class_faults(plan),
    )


def sound(plan: Plan) -> Sound:
    """Return the parts of `plan` that have no fault."""
    bad_zones = {fault.id for fault in _zone_faults(plan.zones)}
    bad_gates = {fault.id for fault in _gate_faults(plan)}
    return Sound(
        frozenset(zone.id for zone in plan.zones) - bad_zones,
        {gate.id: gate for gate in plan.gates if gate.id not in bad_gates},
        bool(plan.days) and not any(_day_faults(plan.days)),
    )


def _repeated(ids: Iterable[int]) -> list[int]:
    return [i for i, times in Counter(ids).items() if times > 1]


def _zone_faults(zones: tuple[Zone, ...]) -> Iterator[Fault]:
    """Zones that no chain of parents leads out of lie in a loop, or in what isn't there."""
    inside: dict[int, list[int]] = {}
    for zone in zones:
        inside.setdefault(zone.parent, []).append(zone.id)
    reached = inside.pop(0, [])
    for zone_id in reached:  # grows while it is walked
        reached += inside.pop(zone_id, [])
    for zone_id in _repeated(zone.id for zone in zones):
        yield Fault("plan_zone_repeated", "zone", zone_id)
    for zone_id in sorted({zone.id for zone in zones} - set(reached)):
        yield Fault("plan_zone_parent", "zone", zone_id)


def _gate_faults(plan: Plan) -> Iterator[Fault]:
    zones = {zone.id for zone in plan.zones} - {fault.id for fault in _zone_faults(plan.zones)}
    for gate_id in _repeated(gate.id for gate in plan.gates):
        yield Fault("plan_gate_repeated", "gate", gate_id)
    for gate in plan.gates:
        if gate.zone not in zones:
            yield Fault("plan_gate_zone", "gate", gate.id)


def _day_faults(days: tuple[Day, ...]) -> Iterator[Fault]:
    for day in days:
        if day.start >= day.end:
            yield Fault("plan_day_bounds", "day", day.index)
    for before, day in pairwise(days):
        if day.index <= before.index or day.start < before.end:
            yield Fault("plan_day_order", "day", day.index)


def _class_faults(plan: Plan) -> list[Fault]:
    parts = sound(plan)
    repeated = _repeated(rule.index for rule in plan.classes)
    codes = [("plan_class_repeated", index) for index in repeated]
    codes += [(code, rule.index) for rule in plan.classes for code in _class_codes(rule, parts)]
    return [Fault(code, "class", index) for code, index in codes]


def _class_codes(rule: TicketClass, parts: Sound) -> Iterator[str]:
    if not rule.zones or not parts.zones.issuperset(rule.zones):
        yield "plan_class_zones"
    if any(gate not in parts.gates or parts.gates[gate].zone not in rule.zones
           for gate in rule.gates):  # fmt: skip
        yield "plan_class_gates"
    if rule.valid_from >= rule.valid_until:
        yield "plan_class_validity"
    if any(window.start >= window.end for window in rule.windows):
        yield "plan_class_window"
    if (rule.per == "day" and not parts.days) or (rule.day_cap and rule.per != "day"):
        yield "plan_class_days"
    if _repeated(question.id for question in rule.questions):
        yield "plan_class_questions"
