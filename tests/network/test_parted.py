"""Three gates, told of each other by their settings; the internet is cut, then the LAN."""

from collections import Counter
from typing import Any

from shared.claims.owners import owners
from shared.devices.roster import Member
from shared.log.record import Kind, unpack_bits
from tests.network.evening import Evening, ticket_of
from tests.network.organizer import GATES

ALONE = "North"
PARTS = ("whole", "offline", "parted")
EACH = 6
TICKETS = EACH * (len(PARTS) + 1)


def test_entry_goes_on_and_each_copy_is_one_incident(evening: Evening) -> None:
    """Without internet nothing changes; parted, a copy gets in once on each side; healed, all
    have one view, and exactly the copies are to be settled."""
    told = evening.play("parted", evening.brief(single=TICKETS), seconds=150)
    for part in PARTS:
        assert [each["said"] for each in told[part]] == ["admitted"] * EACH, part
    copied = named(told["copies"])
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
    assert_flagged(told, evening)


def assert_flagged(told: dict[str, Any], evening: Evening) -> None:
    """An entry says that it was degraded where its ticket's first owner was out of reach, and
    nowhere else: the internet has no part in it."""
    entries = [each for each in evening.log() if each.kind == Kind.IN]
    devices = {each.device: Member(b"", None) for each in entries}
    alone = next(each.device for each in entries if GATES[each.gate - 1] == ALONE)
    offline, behind = named(told["offline"]), named(told["copies"] + told["parted"])
    for each in entries:
        first = owners(devices, 0, each.ticket)[0]
        out_of_reach = (first == alone) is not (each.device == alone)
        degraded = unpack_bits(each.bits).degraded
        if each.ticket.hex() in offline:
            assert not degraded
        elif each.ticket.hex() in behind:
            assert degraded == out_of_reach
    flags = Counter(each.ticket.hex() for each in entries if unpack_bits(each.bits).degraded)
    assert all(flags[ticket] == 1 for ticket in named(told["copies"]))


def named(came: list[dict[str, Any]]) -> set[str]:
    """Return the tickets with which people came."""
    return {ticket_of(each["code"]) for each in came}
