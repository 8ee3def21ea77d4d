"""What is printed on a ticket: plain text and numbers, with nothing left to look up. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from shared import token


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket. Texts are as their authors wrote them, in any language."""

    event: str
    place: str
    address: str = ""
    timezone: str  # of the event, by its IANA name
    starts_at: int  # unix seconds
    doors_at: int | None = None
    ticket_class: str
    class_text: str = ""  # how often it admits, and what else its class asks for
    seat: str = ""
    attendee: str = ""
    order: str  # its number
    price: str = ""  # as a sentence: amount, currency, what is in it
    code: str  # the ticket's text; it is printed only if paper admits


def paper_admits(code: str) -> bool:
    """Tell whether a gate would let a print of this code in (shared/spec/token.md §5, 4).

    A static ticket admits, and a bound one without LIVE_REQUIRED. A presentation is stale
    before it leaves the printer.
    """
    parsed = token.parse(code)
    shown_as_it_is = parsed.shown in (token.STATIC, token.BOUND)
    return shown_as_it_is and not parsed.token.flags & token.LIVE_REQUIRED


def local(seconds: int, timezone: str) -> datetime:
    """Return a moment as the event's clocks show it. An unknown zone is a ZoneInfoNotFoundError."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(timezone))


def offset(when: datetime) -> str:
    """Return how far a local time is from UTC, as +02:00."""
    return when.isoformat()[-6:]
