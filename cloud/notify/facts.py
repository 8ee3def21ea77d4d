"""What a mail is made of, by its kind: looked up when it is sent. Plain values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cloud.notify.model import Kind
from cloud.tickets.model_printed import Printable


class Gig(NamedTuple):
    """An event, to its guests."""

    name: str
    doors_at: datetime
    starts_at: datetime
    timezone: str
    place: str
    address: str


class OfOrder(NamedTuple):
    """A paid order. `tickets`: those that are its buyer's still."""

    gig: Gig
    number: str
    paid: str
    tickets: Sequence[Printable]
    proved: bool  # whether the buyer's address is known to be theirs


class OfMoney(NamedTuple):
    """Money that goes back. `tickets`: how many it is for, 0 for none."""

    gig: Gig
    number: str
    amount: str  # "": nothing was paid
    tickets: int


class OfTicket(NamedTuple):
    """One ticket that changes hands. `mine`: of who reads this, with its code, if it is."""

    gig: Gig
    ticket: str  # its class and seat
    mine: Printable | None = None
    sender: str = ""
    secret: str = ""
    until: datetime | None = None


class OfGuest(NamedTuple):
    """Tickets that an organizer gives to somebody without an account."""

    gig: Gig
    tickets: Sequence[Printable]


class OfEvent(NamedTuple):
    """News of an event."""

    gig: Gig


class OfIncidents(NamedTuple):
    """What is to be settled. `gig` None: it is about a device's log."""

    gig: Gig | None
    kinds: Mapping[str, int]


class OfInvitation(NamedTuple):
    """An invitation."""

    role: str
    secret: str
    until: datetime


class OfKey(NamedTuple):
    """The key of the address at which an organizer kept the reader's tickets."""

    address: str


class OfAccount(NamedTuple):
    """Something about the account itself."""

    secret: str = ""


Facts = (
    OfOrder
    | OfMoney
    | OfTicket
    | OfGuest
    | OfEvent
    | OfIncidents
    | OfInvitation
    | OfKey
    | OfAccount
)


class Found(NamedTuple):
    """A mail with all that is needed to write it."""

    kind: Kind
    to: str
    language: str
    organizer: str  # "": the platform
    facts: Facts
