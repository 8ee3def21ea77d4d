"""kill -9 of a gate while it scans."""

from collections import Counter, defaultdict
from itertools import pairwise

from shared.log.record import Kind
from tests.network.evening import Evening, ticket_of

GUESTS = 90  # more than a lane remembers as being in view still
KILLS = 4
KINDS = {"in": Kind.IN, "out": Kind.OUT}
GREEN = {"admitted", "readmitted", "exit"}


def test_what_a_killed_gate_has_answered_is_in_the_cloud(evening: Evening) -> None:
    """Everything it said yes to, once; each boot is an incarnation; nothing is to be settled."""
    brief = evening.brief(often=GUESTS, seed=3)
    told = evening.play("killed", brief)
    assert told["faults"] == []
    assert told["boots"] == KILLS + 1
    assert told["unknown"], "no kill hit a scan"
    log = evening.log()
    scanned = [each for each in log if each.kind in KINDS.values()]
    assert len({each.device for each in scanned}) == 1
    (north,) = {each.device for each in scanned}
    boots = [each for each in log if each.kind == Kind.BOOT and each.device == north]
    assert [each.incarnation for each in boots] == list(range(1, KILLS + 2))
    written = Counter((each.ticket.hex(), Kind(each.kind)) for each in scanned)
    yes = Counter(
        (ticket_of(code), KINDS[lane]) for code, lane, said in told["answered"] if said in GREEN
    )
    unknown = Counter((ticket_of(code), KINDS[lane]) for code, lane in told["unknown"])
    assert len(told["answered"]) > GUESTS
    assert {said for _, _, said in told["answered"]} <= GREEN | {"already_admitted"}
    for what, count in written.items():
        assert yes[what] <= count <= yes[what] + unknown[what]
    assert yes.keys() <= written.keys()
    passes = defaultdict(list)
    for each in scanned:
        passes[each.ticket].append(each.kind)
    for kinds in passes.values():
        assert kinds[0] == Kind.IN
        assert all(one != other for one, other in pairwise(kinds))
    assert told["agreed"]["entered"] == sum(each.kind == Kind.IN for each in scanned)
    assert told["agreed"]["findings"] == []
    assert evening.listed(0) == []
