"""Gates that hear of everything at once, against a doorkeeper's slate (spec/merge.md §7).

The slate knows who is inside and nothing of rights, records or merging. Everything below it
is real: signed codes, decisions, sealed logs, proofs, exchange and merge (tests/gates.py).
"""

from collections import Counter
from dataclasses import dataclass

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from shared.instant import Instant
from shared.outcomes import Outcome, Signal
from shared.rules.decision import Decision
from tests.gates import Gate, Holder, exchange
from tests.venue import (
    ARENA,
    CLASSES,
    CLUB,
    DAY,
    EVENT,
    GAP,
    GARDEN,
    HASHES,
    MIDNIGHT,
    TICKETS,
    ZONES,
)

NOON = (MIDNIGHT + DAY // 2) * 1000
SAME_PLACE = {ARENA: (ARENA, CLUB), CLUB: (ARENA, CLUB), GARDEN: (GARDEN,)}
CLOCKS_DIFFER_MS = 60_000
seen: Counter[str] = Counter()


@dataclass(eq=False)
class Stay:
    """One person, from being let in on."""

    zone: int
    day: int
    ms: int
    inside: bool = True


class Slate:
    """One ticket's people, as somebody notes who sees every gate."""

    def __init__(self, ticket: str) -> None:
        self.rule = CLASSES[ticket]
        self.stays: list[Stay] = []
        self.left: set[int] = set()  # zones
        self.exits_of_nobody = False

    def inside(self, zone: int, day: int | None = None) -> list[Stay]:
        return [s for s in self.stays if s.inside and s.zone == zone and day in (None, s.day)]

    def may_enter(self, zone: int, day: int | None, ms: int, people: int) -> bool | None:
        """Say whether they may; None where it depends on how far clocks differ."""
        here = [s for s in self.stays if (s.zone, s.day) == (zone, day)]
        days = {s.day for s in self.stays}
        spent = self.rule.day_cap and len(days) == self.rule.day_cap and day not in days
        if zone not in self.rule.zones or day is None or spent:
            return False
        used = len(self.inside(zone, day)) if self.rule.re_entry else len(here)
        if used + people > self.rule.allowance:
            return False
        if self.rule.min_gap and here:
            late = ms - max(s.ms for s in here) - self.rule.min_gap * 1000
            return None if abs(late) < CLOCKS_DIFFER_MS else late > 0
        return True

    def enter(self, zone: int, day: int, ms: int, people: int) -> None:
        """Let people in; of those who were beside this zone, as many came as must have."""
        here, everybody = len(self.inside(zone, day)), self.rule.allowance if self.rule.group else 1
        for other in set(ZONES).difference(SAME_PLACE[zone]):
            there = self.inside(other, day)
            self._go(there, len(there) + here + people - everybody)
        self.stays += [Stay(zone, day, ms) for _ in range(people)]

    def leave(self, zone: int, people: int) -> None:
        """Let people out, and out of what lies inside."""
        matched = len(self.inside(zone))
        if matched < people and (matched or zone not in self.left):
            self.exits_of_nobody = True
        self.left.add(zone)
        self._go(self.inside(zone), people)
        if zone == ARENA:
            further = self.inside(CLUB)
            self._go(further, min(people, len(further) - len(self.inside(ARENA))))

    def undo(self, zone: int, day: int) -> None:
        """Strike out the last of those inside: all people of one ticket are alike."""
        self.stays.remove(self.inside(zone, day)[-1])

    def _go(self, stays: list[Stay], people: int) -> None:
        for stay in stays[::-1][: max(0, people)]:
            stay.inside = False


gates = st.integers(0, 2)
zones = st.sampled_from([ARENA, ARENA, ARENA, ARENA, CLUB, GARDEN])
crowds = st.integers(1, 3)


class Connected(RuleBasedStateMachine):
    """Whatever is scanned, by whomever and in whatever order: the slate is right."""

    tickets: Bundle[str] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.ms = NOON
        self.skew_ms = [0, 0, 0]
        self.gates = [Gate(name, Instant(NOON)) for name in "XYZ"]
        self.cloud = Holder()

    @initialize(
        target=tickets,
        cast=st.lists(st.sampled_from(TICKETS), min_size=1, max_size=4, unique=True),
    )
    def open(self, cast: list[str]) -> MultipleResults[str]:
        self.slates = {ticket: Slate(ticket) for ticket in cast}
        return multiple(*cast)

    @rule(gate=gates, ticket=tickets, zone=zones, people=crowds)
    def enter(self, gate: int, ticket: str, zone: int, people: int) -> None:
        slate, at = self.slates[ticket], self.at(gate)
        people, day = self.crowd(ticket, people), self.day(ticket, at)
        may = slate.may_enter(zone, day, at.ms, people)
        alone_inside = slate.rule.allowance == 1 and bool(slate.inside(zone, day))
        green = self.scan(gate, ticket, zone, people).outcome.signal is Signal.ADMIT
        assert green is may or may is None
        assert not (green and alone_inside)
        if green:
            slate.enter(zone, day or 0, at.ms, people)

    @rule(gate=gates, ticket=tickets, zone=zones, people=crowds)
    def leave(self, gate: int, ticket: str, zone: int, people: int) -> None:
        people = self.crowd(ticket, people)
        decision = self.scan(gate, ticket, zone, people, exiting=True)
        assert decision.outcome is Outcome.EXIT
        self.slates[ticket].leave(zone, people)

    @rule(gate=gates, other=gates, ticket=tickets, people=crowds)
    def come_and_go(self, gate: int, other: int, ticket: str, people: int) -> None:
        self.enter(gate, ticket, ARENA, people)
        self.spread()
        self.leave(other, ticket, ARENA, people)

    @rule(gate=gates, ticket=tickets, which=st.integers(0, 20), supervisor=st.booleans())
    def undo(self, gate: int, ticket: str, which: int, supervisor: bool) -> None:
        visits = sorted(self.gates[gate].visits(ticket), key=lambda visit: (visit.ms, visit.id))
        if visits:
            visit = visits[-1 - which % len(visits)]
            pool = self.gates[gate].history(ticket).pools[visit.zone, visit.day]
            inside = any(visit.id == other.id for other in pool.inside)
            done = self.gates[gate].undo(ticket, visit, self.at(gate), supervisor=supervisor)
            assert done is inside or not (done or supervisor)
            if done:
                self.slates[ticket].undo(visit.zone, visit.day)
            self.happened("undo" if done else "undo of a guest who left" if not inside else "held")

    @rule(gate=gates, seconds=st.integers(-25, 25), boots=st.booleans())
    def trouble(self, gate: int, seconds: int, boots: bool) -> None:
        self.skew_ms[gate] = seconds * 1000
        if boots:
            known = self.gates[gate].view.summary()
            self.gates[gate].boot(self.at(gate))
            assert self.gates[gate].view.summary() == known

    @rule(seconds=st.sampled_from([1, 60, 180, GAP, DAY // 2]))
    def later(self, seconds: int) -> None:
        self.ms += seconds * 1000

    def scan(
        self, gate: int, ticket: str, zone: int, people: int, *, exiting: bool = False
    ) -> Decision:
        decision = self.gates[gate].scan(
            ticket, zone, self.at(gate), exiting=exiting, people=people
        )
        self.happened(decision.outcome.code)
        return decision

    def at(self, gate: int) -> Instant:
        return Instant(self.ms + self.skew_ms[gate])

    def crowd(self, ticket: str, people: int) -> int:
        return people if CLASSES[ticket].group else 1

    def day(self, ticket: str, at: Instant) -> int | None:
        if CLASSES[ticket].per == "event":
            return 0
        day = (at.seconds - MIDNIGHT) // DAY + 1
        return day if 1 <= day <= 3 else None

    def happened(self, what: str) -> None:
        event(what)
        seen[what] += 1

    def spread(self) -> None:
        """Let everybody hear everything."""
        for gate in self.gates:
            exchange(gate, self.cloud, Instant(self.ms))
        for i, gate in enumerate(self.gates):
            exchange(self.cloud, gate, self.at(i))

    @invariant()
    def agree(self) -> None:
        """Everybody sees the same: the people of the slate, and no incident."""
        self.spread()
        views = [self.cloud.view, *(gate.view for gate in self.gates)]
        assert len({view.summary().digest() for view in views}) == 1
        summary = views[0].summary()
        assert (summary.findings, summary.quarantined, summary.unproved) == ((), (), ())
        for ticket, slate in self.slates.items():
            pools = views[0].ticket(EVENT, HASHES[ticket]).pools
            for (zone, day), pool in pools.items():
                inside, head_count = len(slate.inside(zone, day)), pool.explained.presence
                known = self.cloud.history(ticket).pools[zone, day]
                assert len(known.inside) == inside <= slate.rule.allowance
                if not slate.exits_of_nobody:
                    assert head_count == inside


def test_gates_that_hear_everything_are_right_about_everybody() -> None:
    """No incident, one view, no second entry, no exit refused; and the acts that matter occur."""
    seen.clear()
    run_state_machine_as_test(Connected)
    told = (
        "admitted",
        "readmitted",
        "already_admitted",
        "no_entries_left",
        "reentry_not_allowed",
        "wrong_zone",
        "exit",
        "undo",
        "undo of a guest who left",
        "held",
    )
    assert all(seen[what] for what in told), seen
