"""Decisions, written down and read back through the merge (spec/rules.md §11).

Each step is decided on what the gates before it stored, as real signed records.
"""

from hypothesis import given
from hypothesis import strategies as st

from shared.log.record import Kind
from shared.merge.incidents import Incident
from shared.outcomes import Signal
from shared.rules.decision import Admit, Ask
from tests import festival
from tests.festival import (
    ARENA,
    CLUB,
    CLUB_DOOR,
    DAY,
    GARDEN,
    GARDEN_GATE,
    NOON,
    NORTH,
    SOUTH,
    WAY_OUT,
)
from tests.house import House

CLASSES = st.sampled_from([
    festival.SEAT, festival.ONCE, festival.FOUR, festival.FAMILY, festival.TWO_DAYS,
    festival.ROAMER, festival.ROAMING_FAMILY, festival.DAILY, festival.TRAVELLER,
])  # fmt: skip
ENTRIES = st.sampled_from([NORTH, SOUTH, CLUB_DOOR, GARDEN_GATE])
EXITS = st.sampled_from([NORTH, WAY_OUT, CLUB_DOOR, GARDEN_GATE])
DEVICES = st.sampled_from([NORTH, CLUB_DOOR, GARDEN_GATE])
people = st.integers(1, 5)
ACTS = st.lists(
    st.tuples(st.just("enter"), ENTRIES, people)
    | st.tuples(st.just("leave"), EXITS, people)
    | st.tuples(st.just("undo") | st.just("next day") | st.just("override"), ENTRIES, people),
    max_size=12,
)
Act = tuple[str, int, int]


class Evening:
    """One ticket at gates that hear of one another at once."""

    def __init__(self, ticket_class: int) -> None:
        self.house = House()
        self.ticket_class = ticket_class
        self.at = NOON
        self.overrides = 0

    def do(self, act: Act) -> None:
        what, gate, count = act
        self.at += 60
        if what == "next day":
            self.at = min(self.at + DAY, NOON + 2 * DAY + DAY // 4)
        elif what == "leave":
            ask = Ask(people=count)
            self.house.leave("anna", self.ticket_class, gate=gate, at=self.at, ask=ask)
        elif what == "undo":
            self.undo(gate)
        else:
            self.enter(gate, count, "known" if what == "override" else "")

    def enter(self, gate: int, count: int, reason: str) -> None:
        ask = Ask(people=count, supervisor=bool(reason), override=reason)
        known = self.house.history()
        decision = self.house.scan("anna", self.ticket_class, gate=gate, at=self.at, ask=ask)
        if isinstance(decision, Admit):
            self.overrides += sum(draft.kind is Kind.OVERRIDE for draft in decision.drafts)
        else:
            assert decision.outcome.signal is not Signal.ADMIT
            assert self.house.history() == known

    def undo(self, gate: int) -> None:
        if (last := self.house.history().last) is not None:
            known = self.house.history()
            inside = last in known.pools[last.zone, last.day].inside
            undone = self.house.undo(last, gate, self.at, supervisor=True)
            assert (undone is not None) is inside

    def inside(self, zone: int) -> int:
        return max(self.house.inside(zone, day) for day in range(4))


@given(CLASSES, ACTS)
def test_on_one_lan_no_ticket_is_ever_used_twice(ticket_class: int, acts: list[Act]) -> None:
    """Whatever is scanned in whatever order: no incident, and never more people than rights."""
    evening = Evening(ticket_class)
    allowance = festival.rules().classes[ticket_class].allowance
    for act in acts:
        evening.do(act)
        for zone in (ARENA, CLUB, GARDEN):
            assert 0 <= evening.inside(zone) <= allowance + evening.overrides
    assert evening.house.incidents() == []


@given(ACTS)
def test_nobody_is_in_two_zones_beside_each_other(acts: list[Act]) -> None:
    """One person is in the arena and perhaps in its club, or in the garden."""
    evening = Evening(festival.ROAMER)
    for act in acts:
        if act[0] != "override":
            evening.do(act)
        garden = evening.house.inside(GARDEN)
        assert garden + max(evening.house.inside(ARENA), evening.house.inside(CLUB)) <= 1


@given(st.lists(DEVICES, max_size=3), st.lists(DEVICES, max_size=10))
def test_an_honest_guest_is_never_accused(unheard: list[int], later: list[int]) -> None:
    """In, out and in again before the gates hear of it, then in and out: a note at most.

    The three devices stand before the arena here, each with a log of its own.
    """
    house, inside, at = House(), False, NOON
    house.cut_off(NORTH, CLUB_DOOR, GARDEN_GATE)
    for gate in [*unheard, 0, *later]:
        at += 60
        if not gate:
            house.sync()
            continue
        decision = house.scan(posted=NORTH, gate=gate, exiting=inside, at=at)
        inside ^= isinstance(decision, Admit)
    assert house.incidents() in ([], [Incident.UNSEEN_EXIT])
    assert house.inside() == inside
