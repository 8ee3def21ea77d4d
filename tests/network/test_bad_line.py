"""A gate behind a line that cuts, truncates, loses and dawdles."""

from collections import Counter

from shared.log.record import Kind
from tests.network.evening import Evening, ticket_of
from tests.network.faults import Fault

GUESTS = 120


def test_a_bad_line_loses_nothing_and_doubles_nothing(evening: Evening) -> None:
    """List, records and receipts all come through it, whatever breaks, and each record once."""
    brief = evening.brief(single=GUESTS, seed=5)
    told = evening.play("bad_line", brief, seconds=200)
    assert told["said"] == ["admitted"] * GUESTS
    assert all(told["struck"][fault] >= 3 for fault in Fault)
    log = evening.log()
    for incarnation, count in Counter(each.incarnation for each in log).items():
        numbers = [each.seq for each in log if each.incarnation == incarnation]
        assert numbers == list(range(1, count + 1))
    admitted = Counter(each.ticket.hex() for each in log if each.kind == Kind.IN)
    assert admitted == {ticket_of(code): 1 for code in brief.single}
    assert told["agreed"]["entered"] == GUESTS
    assert told["agreed"]["findings"] == []
    assert evening.listed(0) == []
