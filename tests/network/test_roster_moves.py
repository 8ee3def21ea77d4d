"""A gate joins and another is struck off, while copies come to several gates in one instant."""

from collections import Counter
from typing import Any

from shared.devices.roster import Cutoff
from shared.log.record import Kind, Record
from tests.network.entries import by_ticket, excess, firm
from tests.network.evening import Evening, ticket_of

TICKETS = 360
NOBODY = "00" * 16
SAID = {"admitted", "already_admitted"}


def test_claims_go_on_while_the_roster_changes(evening: Evening) -> None:
    """Every code lets somebody in; under one roster at most one entry of a ticket is not flagged,
    and each in excess is to be settled; who joins grants, and who is struck off counts no more."""
    told = evening.play("roster_moves", evening.brief(single=TICKETS, often=1, seed=7), 280)
    assert told["fault"] == ""
    gone = told["gone"]
    answered(told["rushes"], gone["before"])
    log = evening.log()
    entries = by_ticket(log)
    for records in entries.values():
        assert max(Counter(each.roster for each in records if firm(each)).values(), default=0) <= 1
    for each in told["rushes"][: gone["before"]]:  # until then nobody was struck off
        assert sum(firm(one) for one in entries[ticket_of(each["code"])]) <= 1
    for code in told["granted"]:
        assert [firm(one) for one in entries[ticket_of(code)]] == [True]
    assert told["new"] in {each.device.hex() for each in log if each.kind == Kind.IN}
    settled(evening, told, log)


def answered(rushes: list[Any], before: int) -> None:
    """Everybody is answered, and somebody admitted; the gate that is struck off refuses."""
    for number, each in enumerate(rushes):
        assert "admitted" in each["said"], each
        locked = {at for at, said in zip(each["at"], each["said"], strict=True) if said not in SAID}
        assert locked <= ({"South"} if number >= before else set()), each
        assert set(each["said"]) <= SAID | {"gate_locked"}, each


def settled(evening: Evening, told: Any, log: list[Record]) -> None:
    """What counts is what was written up to the cutoff, and all in excess of it is listed."""
    gone = told["gone"]
    cutoff = Cutoff(gone["cutoff"]["incarnation"], gone["cutoff"]["seq"])
    late = [
        each
        for each in log
        if each.device.hex() == gone["device"] and Cutoff(each.incarnation, each.seq) > cutoff
    ]
    entries = by_ticket(each for each in log if each not in late)
    expected = excess(entries)
    view = told["agreed"]
    assert view["entered"] == sum(map(len, entries.values()))
    assert sorted((each["kind"], each["ticket"]) for each in view["findings"]) == expected
    if late:  # what it wrote before it heard of it
        expected.append(("quarantined", NOBODY))
    assert evening.listed(len(expected)) == expected
