"""Three gates, told of each other by their settings; the internet is cut, then the LAN."""

from collections import defaultdict

from shared.log.record import Kind, unpack_bits
from tests.network.evening import Evening, ticket_of

PARTS = ("whole", "offline", "parted")
EACH = 6
TICKETS = EACH * (len(PARTS) + 1)


def test_entry_goes_on_and_each_copy_is_one_incident(evening: Evening) -> None:
    """Without internet nothing changes; parted, a copy gets in once on each side; healed, all
    have one view, and exactly the copies are to be settled."""
    told = evening.play("parted", evening.brief(single=TICKETS), seconds=150)
    for part in PARTS:
        assert [each["said"] for each in told[part]] == ["admitted"] * EACH, part
    copied = {ticket_of(each["code"]) for each in told["copies"]}
    assert len(copied) == EACH
    for each in told["copies"]:
        assert each["said"] == ["admitted", "admitted", "already_admitted"]
    assert told["different"]
    assert told["unheard"] == EACH  # the cloud knew of nothing that came behind the cut
    assert told["healed"] == told["agreed"]
    assert told["agreed"]["entered"] == TICKETS + EACH
    assert set(told["again"]) == {"already_admitted"}
    found = [(each["kind"], each["ticket"]) for each in told["agreed"]["findings"]]
    assert sorted(found) == sorted(("double_admission", ticket) for ticket in copied)
    assert evening.listed(EACH) == sorted(found)
    assert_flagged(evening, copied)


def assert_flagged(evening: Evening, copied: set[str]) -> None:
    """Of two admissions on one ticket, one at the least lacks the word of its first owner, and
    says so."""
    flags = defaultdict(list)
    for each in evening.log():
        if each.kind == Kind.IN:
            flags[each.ticket.hex()].append(unpack_bits(each.bits).degraded)
    for ticket in copied:
        assert len(flags[ticket]) == 2
        assert any(flags[ticket])
