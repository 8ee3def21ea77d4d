"""A gate behind a line that cuts, truncates, loses and dawdles."""

from collections import Counter

from shared.log.record import Kind
from tests.network.evening import Evening, ticket_of
from tests.network.faults import Fault

GUESTS = 300  # at the most
FEWEST = 50
TIMES = 2  # that each fault strikes


def test_a_bad_line_loses_nothing_and_doubles_nothing(evening: Evening) -> None:
    """List, records and receipts all come through it, whatever breaks, and each record once."""
    brief = evening.brief(single=GUESTS, seed=5)
    told = evening.play("bad_line", brief, seconds=200)
    guests = len(told["said"])
    assert guests >= FEWEST
    assert set(told["said"]) == {"admitted"}
    assert all(told["struck"].get(fault, 0) >= TIMES for fault in Fault), told["struck"]
    log = evening.log()
    for incarnation, count in Counter(each.incarnation for each in log).items():
        numbers = [each.seq for each in log if each.incarnation == incarnation]
        assert numbers == list(range(1, count + 1))
    admitted = Counter(each.ticket.hex() for each in log if each.kind == Kind.IN)
    assert admitted == {ticket_of(code): 1 for code in brief.single[:guests]}
    assert told["agreed"]["entered"] == guests
    assert told["agreed"]["findings"] == []
    assert evening.listed(0) == []
