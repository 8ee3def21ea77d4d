"""What a ticket's row is as a code and on paper. Pure."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cloud.currencies import written
from cloud.errors import Refusal
from cloud.tickets.lifecycle import ADMITS, State
from cloud.tickets.sheet_printed import Printed, paper_admits
from shared.token import encode_text


class Printable(NamedTuple):
    """A ticket, with what is printed around its code."""

    ticket_id: UUID
    number: int
    state: State
    token: bytes | None
    seat: str | None
    attendee: str | None
    account_id: UUID | None
    order_id: UUID | None
    class_name: str
    event_name: str
    timezone: str
    starts_at: datetime
    doors_at: datetime
    venue_name: str
    address: str
    price: int | None  # what its owner paid for it
    currency: str


def has_code(ticket: Printable) -> bool:
    """Whether there is a code to show."""
    return ticket.state in ADMITS and ticket.token is not None


def code(ticket: Printable) -> str:
    """Return the text of a ticket's code, or refuse."""
    if ticket.state not in ADMITS:
        raise Refusal("ticket_not_valid")
    if ticket.token is None:
        raise Refusal("bind_first")
    return encode_text(ticket.token)


def picture(ticket: Printable) -> str:
    """Return the text of a code whose picture admits, or refuse."""
    text = code(ticket)
    if not paper_admits(text):
        raise Refusal("live_code_only")
    return text


def printed(ticket: Printable) -> Printed:
    """Return a ticket as it is printed."""
    return Printed(
        event=ticket.event_name,
        place=ticket.venue_name,
        address=ticket.address,
        timezone=ticket.timezone,
        starts_at=int(ticket.starts_at.timestamp()),
        doors_at=int(ticket.doors_at.timestamp()),
        ticket_class=ticket.class_name,
        seat=ticket.seat or "",
        attendee=ticket.attendee or "",
        order=_order(ticket),
        price="" if ticket.price is None else written(ticket.price, ticket.currency),
        code=code(ticket),
    )


def _order(ticket: Printable) -> str:
    """Return the number that people tell each other: of the order, or of a guest's ticket."""
    return ticket.order_id.hex[:8].upper() if ticket.order_id else f"#{ticket.number}"
