"""Writes rules.json: one scan each, and what a gate must decide (spec/rules.md).

What is expected is written by hand beside each scan, never taken from the rules' code.

- `plans`: what a manifest head says; `input.plan` names one, `input.policy` and `input.head`
  are the head's policy and dates.
- `input.record`: the manifest's word on the ticket, null where it has none.
- `expect`: the whole decision; `hold` alone leaves `attention` out where there is none to show.
"""

from typing import Final

import msgspec

from shared.event import Day, Plan, Window, Zone
from tests.festival import CHILD, CLUB, DAY, EVENING, MIDNIGHT, PLAN
from tests.vectors import rules_entries, rules_staff, rules_ticket
from tests.vectors.rules_parts import EVENT, TICKET
from tests.vectors.suite import Json, named, save

LOOP: Final = 7  # a zone that lies in itself


def _with_class(plan: Plan, index: int, **changes: object) -> Plan:
    classes = tuple(
        msgspec.structs.replace(rule, **changes) if rule.index == index else rule
        for rule in plan.classes
    )
    return msgspec.structs.replace(plan, classes=classes)


def faulty() -> Plan:
    """Return a plan whose days overlap, and with a class in a zone that lies in itself."""
    plan = _with_class(PLAN, CHILD, zones=(LOOP,))
    days = (*PLAN.days[:2], Day(index=3, start=MIDNIGHT + DAY, end=MIDNIGHT + 3 * DAY))
    zones = (*PLAN.zones, Zone(id=LOOP, name="Loop", parent=LOOP))
    return msgspec.structs.replace(plan, days=days, zones=zones)


def late() -> Plan:
    """Return a plan whose evening begins on day 2."""
    window = Window(start=MIDNIGHT + DAY, end=MIDNIGHT + 2 * DAY)
    return _with_class(
        PLAN, EVENING, valid_from=window.start, valid_until=window.end, windows=(window,)
    )


def beside() -> Plan:
    """Return a plan whose club lies beside the arena."""
    zones = tuple(
        Zone(id=zone.id, name=zone.name, parent=0 if zone.id == CLUB else zone.parent)
        for zone in PLAN.zones
    )
    return msgspec.structs.replace(PLAN, zones=zones)


def build() -> Json:
    """Return the suite."""
    plans = {"festival": PLAN, "faulty": faulty(), "late": late(), "beside": beside()}
    return {
        "suite": "rules",
        "comment": "What a gate decides on one verified ticket (spec/rules.md).",
        "event": EVENT.hex(),
        "ticket": TICKET.hex(),
        "plans": {name: msgspec.to_builtins(plan) for name, plan in plans.items()},
        "vectors": named(
            [*rules_ticket.vectors(), *rules_entries.vectors(), *rules_staff.vectors()]
        ),
    }


if __name__ == "__main__":
    save(build())
