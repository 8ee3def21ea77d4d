"""Stories that the machines of tests/properties found, each as short as it goes.

X, Y, Z and W are gates that hear of one another only where a story says so.
"""

from shared.instant import Instant
from shared.rules.decision import Admit
from tests.gates import Gate, Holder, exchange
from tests.venue import ARENA, CLUB, DAY, DEVICES, EVENT, GARDEN, MIDNIGHT, PASS, ROAM, SEAT

NOON = (MIDNIGHT + DAY // 2) * 1000


class Venue:
    """Gates, and a minute between any two scans."""

    def __init__(self) -> None:
        self.ms = NOON
        self.gates = {name: Gate(name, Instant(NOON)) for name in DEVICES}

    def enter(self, gate: str, ticket: str = SEAT, zone: int = ARENA) -> None:
        self.ms += 60_000
        assert isinstance(self.gates[gate].scan(ticket, zone, Instant(self.ms)), Admit)

    def leave(self, gate: str, ticket: str = SEAT, zone: int = ARENA) -> None:
        self.ms += 60_000
        self.gates[gate].scan(ticket, zone, Instant(self.ms), exiting=True)

    def hear(self, gate: str, source: str) -> None:
        exchange(self.gates[source], self.gates[gate], Instant(self.ms))

    def cloud(self) -> Holder:
        cloud = Holder()
        for gate in self.gates.values():
            exchange(gate, cloud, Instant(self.ms))
        return cloud

    def kinds(self) -> list[str]:
        return [str(finding.kind) for finding in self.cloud().view.findings()]


def test_a_guest_who_comes_twice_to_each_of_two_gates_is_taken_for_two() -> None:
    """A limit (spec/merge.md §8): in, out, in, out at X, then in, out, in at Y unheard of."""
    venue = Venue()
    for gate in "XY":
        venue.enter(gate)
        venue.leave(gate)
        venue.enter(gate)
        if gate == "X":
            venue.leave(gate)
    assert venue.cloud().view.present(EVENT, ARENA) == 1
    assert sorted(venue.kinds()) == ["double_admission", "unseen_exit"]


def test_an_exit_today_may_be_spent_on_an_entry_of_yesterday() -> None:
    """A limit (spec/merge.md §8): W heard of yesterday's entry and of nothing since."""
    venue = Venue()
    venue.enter("X", PASS)
    venue.hear("W", "X")
    venue.leave("Y", PASS)
    venue.ms += DAY * 1000
    venue.enter("X", PASS)
    venue.leave("W", PASS)
    venue.enter("Z", PASS)
    assert venue.kinds() == ["double_admission"]


def test_a_move_that_nobody_scanned_out_looks_like_a_copy() -> None:
    """Arena, garden, arena at gates that know nothing: no exit is there to excuse it."""
    venue = Venue()
    venue.enter("X", ROAM, ARENA)
    venue.enter("Y", ROAM, GARDEN)
    venue.enter("Z", ROAM, ARENA)
    assert venue.kinds() == ["double_admission"]


def test_an_exit_from_the_outer_zone_does_not_tell_of_an_inner_one_unheard_of() -> None:
    """Out of the arena from within the club, at a gate that heard of neither; then both again."""
    venue = Venue()
    venue.enter("X", ROAM, ARENA)
    venue.enter("X", ROAM, CLUB)
    venue.leave("Y", ROAM, ARENA)
    venue.enter("Z", ROAM, ARENA)
    venue.enter("Z", ROAM, CLUB)
    assert sorted(venue.kinds()) == ["double_admission", "unseen_exit"]


def test_an_exit_at_a_gate_behind_the_others_can_explain_two_who_were_inside() -> None:
    """Two come back on one exit; then one leaves where only the first entry is known."""
    venue = Venue()
    venue.enter("X")
    for gate in "WYZ":
        venue.hear(gate, "X")
    venue.leave("X")
    for gate in "YZ":
        venue.hear(gate, "X")
        venue.enter(gate)
    assert venue.kinds() == ["double_admission"]
    venue.leave("W")
    assert venue.kinds() == []
