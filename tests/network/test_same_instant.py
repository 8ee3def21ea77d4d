"""Three gates on a LAN, found by multicast: one ticket, one green."""

from collections import Counter, defaultdict
from typing import Any

from shared.log.record import Kind, Record, unpack_bits
from tests.network.evening import Evening, ticket_of

RUSHES = 40
STARVED = 2  # rushes in which the machine may leave a gate without its 150 ms (spec/claims.md)


def test_one_ticket_at_several_gates_in_the_same_instant_lets_one_in(evening: Evening) -> None:
    """And nobody has anything to settle. A gate that the machine kept from asking in time lets in
    alone, says so in its record, and what came of it is to be settled."""
    brief = evening.brief(single=RUSHES, seed=11)
    told = evening.play("same_instant", brief)
    assert told["settings"] == 0
    assert len(told["rushes"]) == RUSHES
    entries = by_ticket(evening.log())
    greens = {ticket_of(each["code"]): one_granted(each, entries) for each in told["rushes"]}
    copied = sorted(ticket for ticket, count in greens.items() if count > 1)
    assert len(copied) <= STARVED, greens
    assert told["agreed"]["entered"] == sum(greens.values())
    found = sorted((each["kind"], each["ticket"]) for each in told["agreed"]["findings"])
    assert found == [("double_admission", ticket) for ticket in copied]
    assert evening.listed(len(copied)) == found


def one_granted(rush: dict[str, Any], entries: dict[str, list[Record]]) -> int:
    """Check a rush, of whose entries one at the most was granted by the ticket's first owner;
    return how many there were."""
    said = Counter(rush["said"])
    assert said["admitted"] >= 1
    assert said.total() == said["admitted"] + said["already_admitted"] == len(rush["at"])
    written = entries[ticket_of(rush["code"])]
    assert len(written) == said["admitted"]
    assert len(written) - sum(unpack_bits(each.bits).degraded for each in written) <= 1
    return len(written)


def by_ticket(records: list[Record]) -> dict[str, list[Record]]:
    """Return the entries of each ticket."""
    found = defaultdict(list)
    for each in records:
        if each.kind == Kind.IN:
            found[each.ticket.hex()].append(each)
    return found
