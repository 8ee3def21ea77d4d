"""Three gates on a LAN, found by multicast: one ticket, one green."""

from collections import Counter

from tests.network.evening import Evening

RUSHES = 40


def test_one_ticket_at_several_gates_in_the_same_instant_lets_one_in(evening: Evening) -> None:
    """Each time, and nobody has anything to settle."""
    brief = evening.brief(single=RUSHES, seed=11)
    told = evening.play("same_instant", brief)
    assert told["settings"] == 0
    assert len(told["rushes"]) == RUSHES
    for rush in told["rushes"]:
        assert Counter(rush["said"]) == {"admitted": 1, "already_admitted": len(rush["at"]) - 1}
    assert told["agreed"]["entered"] == RUSHES
    assert told["agreed"]["findings"] == []
    assert evening.listed(0) == []
