"""When a ticket may be offered, and when an offer may be accepted: one fact a line."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from cloud.tickets.lifecycle import State as Ticket
from cloud.tickets.model import MAX_GEN, Held
from cloud.transfers.model import (
    Case,
    Person,
    State,
    Transfer,
    is_stale,
    may_accept,
    may_offer,
)

NOW = datetime(2027, 5, 1, 12, tzinfo=UTC)
SENDER, RECIPIENT = UUID(int=1), UUID(int=2)
DOORS = NOW + timedelta(days=2)
HELD = Held(
    ticket_id=UUID(int=3),
    event_id=UUID(int=4),
    class_index=0,
    state=Ticket.ACTIVE,
    gen=1,
    blocked=False,
    attendee=None,
    email=None,
    account_id=SENDER,
    holder=None,
    signed=True,
    live=False,
    transferable=True,
    event_state="published",
    doors_at=DOORS,
    transfers=True,
    transfer_freeze=3600,
    reissue_limit=5,
    reissue_cooldown=600,
)
OFFER = Transfer(
    transfer_id=UUID(int=5),
    event_id=HELD.event_id,
    ticket_id=HELD.ticket_id,
    gen=1,
    sender=SENDER,
    recipient=None,
    email=None,
    state=State.OFFERED,
    expires_at=NOW + timedelta(days=1),
    created_at=NOW,
    ended_at=None,
)
SECOND = timedelta(seconds=1)
FREEZE = DOORS - timedelta(hours=1)

OF_THE_TICKET: list[tuple[str | None, dict[str, Any], datetime]] = [
    (None, {}, NOW),
    ("ticket_used", {"state": Ticket.USED}, NOW),
    ("ticket_listed", {"state": Ticket.LISTED}, NOW),
    *(("ticket_not_valid", {"state": state}, NOW) for state in Ticket
      if state not in (Ticket.ACTIVE, Ticket.USED, Ticket.LISTED)),
    ("ticket_blocked", {"blocked": True}, NOW),
    ("event_closed", {"event_state": "cancelled"}, NOW),
    ("event_closed", {"event_state": "ended"}, NOW),
    ("transfer_off", {"transfers": False}, NOW),
    ("transfer_off", {"transferable": False}, NOW),
    ("transfer_frozen", {}, FREEZE),
    (None, {}, FREEZE - SECOND),
    (None, {"transfer_freeze": 0}, DOORS - SECOND),
    ("transfer_frozen", {"transfer_freeze": 0}, DOORS),
]  # fmt: skip


@pytest.mark.parametrize(("code", "held", "now"), OF_THE_TICKET)
def test_a_ticket_is_judged_alike_when_offered_and_when_accepted(
    code: str | None, held: dict[str, Any], now: datetime
) -> None:
    """Whatever happened between the two, the second look finds it."""
    ticket = HELD._replace(**held)
    offer = _offer(expires_at=DOORS + timedelta(days=1))
    assert may_offer(ticket, now) == code
    assert may_accept(Case(offer, ticket, Person(RECIPIENT, None), now)) == code


def test_a_ticket_of_the_last_generation_is_not_offered() -> None:
    """A token has no room for another generation."""
    assert may_offer(HELD._replace(gen=MAX_GEN), NOW) == "ticket_worn_out"
    assert may_offer(HELD._replace(gen=MAX_GEN - 1), NOW) is None


OF_THE_OFFER: list[tuple[str | None, dict[str, Any], dict[str, Any], Person]] = [
    *(("transfer_over", {"state": state}, {}, Person(RECIPIENT, None)) for state in State
      if state is not State.OFFERED),
    ("transfer_lapsed", {"expires_at": NOW}, {}, Person(RECIPIENT, None)),
    (None, {"expires_at": NOW + SECOND}, {}, Person(RECIPIENT, None)),
    ("transfer_to_self", {}, {}, Person(SENDER, None)),
    ("transfer_other_address", {"email": "a@x.test"}, {}, Person(RECIPIENT, None)),
    ("transfer_other_address", {"email": "a@x.test"}, {}, Person(RECIPIENT, "b@x.test")),
    (None, {"email": "a@x.test"}, {}, Person(RECIPIENT, "a@x.test")),
    ("transfer_void", {"gen": 0}, {}, Person(RECIPIENT, None)),
    ("transfer_void", {}, {"gen": 2}, Person(RECIPIENT, None)),
    ("transfer_void", {}, {"account_id": UUID(int=9)}, Person(RECIPIENT, None)),
    ("transfer_void", {}, {"account_id": None}, Person(RECIPIENT, None)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "offer", "held", "person"), OF_THE_OFFER)
def test_an_offer_is_judged_by_its_terms(
    code: str | None, offer: dict[str, Any], held: dict[str, Any], person: Person
) -> None:
    """Over, lapsed, one's own, another's, or of a ticket that changed."""
    assert may_accept(Case(_offer(**offer), HELD._replace(**held), person, NOW)) == code


def test_an_offer_that_is_over_says_so_before_anything_else() -> None:
    """Whoever comes second learns that, and not that the ticket's generation rose."""
    late = Case(_offer(state=State.ACCEPTED), HELD._replace(gen=2), Person(SENDER, None), NOW)
    assert may_accept(late) == "transfer_over"


def test_a_stale_offer_makes_room_for_another() -> None:
    """One that lapsed, or whose ticket changed; no other."""
    assert not is_stale(OFFER, HELD, NOW)
    assert is_stale(OFFER, HELD, OFFER.expires_at)
    assert is_stale(OFFER, HELD._replace(gen=2), NOW)


def _offer(**other: Any) -> Transfer:
    fields = {name: getattr(OFFER, name) for name in Transfer.__struct_fields__}
    return Transfer(**(fields | other))
