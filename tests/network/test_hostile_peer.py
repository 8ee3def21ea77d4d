"""A stolen gate whose key is on the roster still, among real gates."""

from typing import Any

from shared.log.record import Kind
from tests.network.entries import Entries, by_ticket, excess, firm
from tests.network.evening import Evening, ticket_of

TICKETS = 260
NOBODY = "00" * 16
BACK = {"admitted", "readmitted"}
SAID = {"admitted", "already_admitted"}


def test_a_stolen_gate_refuses_nobody_and_lets_nobody_in_twice_unseen(evening: Evening) -> None:
    """Whatever it claims, answers, writes or repeats: guests come in once, each entry too many
    is to be settled, and so is what it forced or told in two ways."""
    brief = evening.brief(single=TICKETS, often=1, seed=5)
    told = evening.play("hostile_peer", brief, 400)
    log = evening.log()
    thief = told["thief"]
    entries = by_ticket(each for each in log if each.device.hex() != thief)
    refused_nobody(told, entries)
    acted_for_nobody(told["records"])
    assert told["crimes"]["said"] == ["admitted"] * 2
    for name in ("South", "West"):
        assert "untrusted" in told["crimes"]["parted"][name]
    granted_twice(told, entries)
    for code in told["honest"]:
        assert [firm(each) for each in entries[ticket_of(code)]] == [True]
    often = ticket_of(brief.often[0])
    everything = by_ticket(each for each in log if each.ticket.hex() != often)
    expected = sorted([
        *excess(everything), ("equivocation", NOBODY),
        ("unproved_override", ticket_of(told["records"]["forced"])),
    ])  # fmt: skip
    found = sorted((each["kind"], each["ticket"]) for each in told["agreed"]["findings"])
    assert found == expected
    assert evening.listed(len(expected)) == expected
    assert told["agreed"]["unproved"] >= 2, "an exit and an undoing of others' entries"
    assert {Kind.OUT, Kind.ANNUL} <= {each.kind for each in log if each.device.hex() == thief}


def refused_nobody(told: Any, entries: Entries) -> None:
    """Without evidence its word delays, and the entry is flagged; then a copy is refused."""
    assert len(told["refusals"]) > 5
    for each in told["refusals"]:
        assert each["asked"], each
        assert each["said"] == ["admitted", "already_admitted"], each
        assert [firm(one) for one in entries[ticket_of(each["code"])]] == [False], each
    assert told["hoard"]["said"] == ["admitted"] * 2
    for code in told["hoard"]["codes"]:
        assert [firm(one) for one in entries[ticket_of(code)]] == [False]


def acted_for_nobody(told: Any) -> None:
    """It supersedes, undoes and closes nothing of others'."""
    for said in told["said"].values():
        assert said == ["already_admitted"] * 2
    out, back = told["out"]
    assert out == "exit"
    assert back in BACK


def granted_twice(told: Any, entries: Entries) -> None:
    """As an owner it lets copies in, and no other owner does."""
    copied = {ticket_of(each["code"]) for each in told["granted"]}
    assert all(set(each["said"]) <= SAID for each in told["granted"])
    assert any(each["said"] == ["admitted"] * 2 for each in told["granted"])
    for ticket, records in entries.items():
        if ticket not in copied and len({one.ref for one in records}) == 1:
            assert sum(firm(each) for each in records) <= 1
