"""An event's plan, compiled once per manifest head for `decide()` (spec/rules.md §3 and §4)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, NamedTuple

from shared.errors import Refused
from shared.event import Day, Gate, Plan, Policy, Question, TicketClass, Window
from shared.instant import Instant
from shared.log.record import NO_DAY_CAP, RE_ENTRY
from shared.rules.faults import Fault, faults, sound

NO_TERMS: Final = NO_DAY_CAP


class Age(Enum):
    """How far a manifest's word still goes."""

    FRESH = "fresh"
    STALE = "stale"  # warn
    RESTRICTED = "restricted"  # the policy says what now


class ClassRule(NamedTuple):
    """The entry rule of a sound class. `gates`: those that let it in, whichever it names."""

    name: str
    zones: frozenset[int]
    gates: tuple[int, ...]
    valid_from: int
    valid_until: int
    windows: tuple[Window, ...]  # by start
    per_day: bool
    allowance: int
    terms: int  # as in a record
    day_cap: int  # 0: none
    re_entry: bool
    min_gap_ms: int
    group: bool
    collect_unpaid: bool
    attention: str
    questions: tuple[Question, ...]


class Post(NamedTuple):
    """Where a device stands and which way it lets people, as staff chose."""

    event: bytes  # 8
    gate: int
    zone: int
    exiting: bool
    inner: frozenset[int]  # zones inside `zone`
    related: frozenset[int]  # `zone`, those inside it and those that it lies in


class Rules(NamedTuple):
    """One manifest head's word, ready to be asked."""

    event: bytes  # 8
    issued: int
    sales_end: int
    policy: Policy
    classes: Mapping[int, ClassRule]  # the sound ones
    gates: Mapping[int, Gate]  # the sound ones
    parents: Mapping[int, int]
    days: tuple[Day, ...]
    starts: tuple[int, ...]  # of `days`
    faults: tuple[Fault, ...]

    def post(self, gate_id: int, *, exiting: bool) -> Post:
        """Return the post that staff choose, or raise `Refused`."""
        gate = self.gates.get(gate_id)
        if gate is None:
            raise Refused("post_gate")
        if gate.direction == ("entry" if exiting else "exit"):
            raise Refused("post_direction")
        inner = frozenset(self._inner(gate.zone))
        related = inner.union(self._outer(gate.zone), (gate.zone,))
        return Post(self.event, gate.id, gate.zone, exiting, inner, related)

    def age(self, now: Instant) -> Age:
        """Return how old the head is; without trusted time nobody can tell, so: stale."""
        age = now.seconds - self.issued
        if now.trusted and age > self.policy.restrict_age:
            return Age.RESTRICTED
        return Age.STALE if not now.trusted or age > self.policy.warn_age else Age.FRESH

    def day(self, index: int) -> Day | None:
        """Return the day of this index."""
        return next((day for day in self.days if day.index == index), None)

    def day_at(self, second: int) -> int | None:
        """Return the index of the day that `second` falls into."""
        place = bisect_right(self.starts, second) - 1
        return self.days[place].index if place >= 0 and second < self.days[place].end else None

    def nearest_day(self, second: int) -> int:
        """Return the newest day begun by `second`, else the first; 0 where there are none."""
        place = max(0, bisect_right(self.starts, second) - 1)
        return self.days[place].index if self.days else 0

    def _inner(self, zone: int) -> list[int]:
        inside: dict[int, list[int]] = {}
        for child, parent in self.parents.items():
            inside.setdefault(parent, []).append(child)
        found = inside.get(zone, [])
        for child in found:  # grows while it is walked
            found += inside.get(child, [])
        return found

    def _outer(self, zone: int) -> Iterator[int]:
        while zone := self.parents.get(zone, 0):
            yield zone


def compile_rules(event: bytes, plan: Plan, issued: int, sales_end: int) -> Rules:
    """Return `plan` as rules. A fault in it never raises: it is reported, and closes its class."""
    parts = sound(plan)
    found = faults(plan)
    broken = {fault.id for fault in found if fault.part == "class"}
    days = plan.days if parts.days else ()
    return Rules(
        event=event,
        issued=issued,
        sales_end=sales_end,
        policy=plan.policy,
        classes={c.index: _class(c, parts.gates) for c in plan.classes if c.index not in broken},
        gates=parts.gates,
        parents={zone.id: zone.parent for zone in plan.zones if zone.id in parts.zones},
        days=days,
        starts=tuple(day.start for day in days),
        faults=found,
    )


def _class(rule: TicketClass, gates: Mapping[int, Gate]) -> ClassRule:
    admitting = sorted(
        gate.id
        for gate in gates.values()
        if gate.zone in rule.zones and gate.direction != "exit"
        if not rule.gates or gate.id in rule.gates
    )
    return ClassRule(
        name=rule.name,
        zones=frozenset(rule.zones),
        gates=tuple(admitting),
        valid_from=rule.valid_from,
        valid_until=rule.valid_until,
        windows=tuple(sorted(rule.windows, key=lambda window: window.start)),
        per_day=rule.per == "day",
        allowance=rule.allowance,
        terms=(rule.day_cap or NO_DAY_CAP) | (RE_ENTRY if rule.re_entry else 0),
        day_cap=rule.day_cap,
        re_entry=rule.re_entry,
        min_gap_ms=rule.min_gap * 1000,
        group=rule.group,
        collect_unpaid=rule.collect_unpaid,
        attention=rule.attention,
        questions=rule.questions,
    )
