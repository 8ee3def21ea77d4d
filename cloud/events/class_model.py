"""Ticket classes: what is sold, for how much, to whom it lets in."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cloud.errors import Refusal
from cloud.events.fields import In, Moment, Name, Seat, Version, check_text, check_year
from cloud.events.model import EventState
from cloud.events.plan import Entry, out_of_range

Price = Annotated[int, Meta(ge=0, le=100_000_000, description="Minor units.", examples=[2500])]
Capacity = Annotated[
    int, Meta(ge=0, le=1_000_000, description="How many may be sold, or given to guests.")
]
PerOrder = Annotated[int, Meta(ge=1, le=100)]
Seats = Annotated[tuple[Seat, ...], Meta(max_length=20_000)]
SomeSeats = Annotated[tuple[Seat, ...], Meta(min_length=1, max_length=20_000)]

# Codes that are out already were made by it.
FIXED: Final = ("live",)
SHOWN: Final = 20  # the public learns of no more free tickets than these


class NewClass(In, frozen=True):
    """A ticket class to be made. With `seats` each ticket is one of them."""

    name: Name
    price: Price
    entry: Entry
    capacity: Capacity = 0  # of a class without seats
    seats: Seats = ()
    per_order: PerOrder = 10
    sale_from: Moment | None = None
    sale_until: Moment | None = None
    live: bool = False
    transferable: bool = True
    resalable: bool = True


class ClassEdit(In, frozen=True):
    """Changes of a class; what is left out stays."""

    version: Version
    name: Name | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    entry: Entry | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    per_order: PerOrder | UnsetType = UNSET
    sale_from: Moment | UnsetType | None = UNSET
    sale_until: Moment | UnsetType | None = UNSET
    live: bool | UnsetType = UNSET
    transferable: bool | UnsetType = UNSET
    resalable: bool | UnsetType = UNSET


class SeatChange(In, frozen=True):
    """Seats to add to a class, or to take off sale."""

    version: Version
    seats: SomeSeats


class TicketClassRow(msgspec.Struct, frozen=True):
    """A ticket class as stored."""

    event_id: UUID
    class_index: int
    name: str
    price: int
    capacity: int
    seated: bool
    per_order: int
    sale_from: datetime | None
    sale_until: datetime | None
    live: bool
    transferable: bool
    resalable: bool
    entry: Entry
    version: int
    withdrawn_at: datetime | None


class Counts(msgspec.Struct, frozen=True):
    """A class's tickets by what became of them."""

    free: int = 0
    held: int = 0
    sold: int = 0  # paid for or given away, used and expired ones too
    gone: int = 0  # refunded, revoked or withdrawn


class InnerClass(msgspec.Struct, frozen=True):
    """What the organizer alone sees of a class."""

    version: int
    capacity: int
    entry: Entry
    counts: Counts


class TicketClass(msgspec.Struct, frozen=True):
    """A ticket class. `available` ends at 20 for the public; an organizer sees all."""

    index: int
    name: str
    price: int
    currency: str
    per_order: int
    seated: bool
    live: bool
    transferable: bool
    resalable: bool
    sale_from: datetime | None
    sale_until: datetime | None
    sale: Literal["on", "not_yet", "over", "off"]
    available: int
    organizer: InnerClass | None = None


class SeatView(msgspec.Struct, frozen=True):
    """A seat, and whether it can be had."""

    number: int
    seat: str
    free: bool


def sale(
    state: EventState, ends_at: datetime, each: TicketClassRow, now: datetime
) -> Literal["on", "not_yet", "over", "off"]:
    """Return whether a class is on sale: orders are taken only while it is `on`."""
    if state != "published" or each.withdrawn_at is not None:
        return "off"
    if now >= min(each.sale_until or ends_at, ends_at):
        return "over"
    return "not_yet" if each.sale_from is not None and now < each.sale_from else "on"


def check(given: NewClass | TicketClassRow) -> None:
    """Refuse what contradicts itself."""
    check_text(given)
    for name in ("sale_from", "sale_until"):
        if (moment := getattr(given, name)) is not None:
            check_year(moment, f"/{name}")
    if given.sale_from and given.sale_until and given.sale_from >= given.sale_until:
        raise Refusal("sale_window", field="/sale_until", accepted="a time after sale_from")
    if out_of_range(given.entry.hours):
        raise Refusal("time_range", field="/entry/hours", accepted="dates from 2000 to 2100")


def check_seats(given: NewClass) -> None:
    """Refuse seats and a capacity that don't agree."""
    refuse_repeated(given.seats)
    if given.seats and given.capacity not in (0, len(given.seats)):
        raise Refusal("class_seated", field="/capacity", accepted="0, or the number of seats")


def refuse_repeated(seats: tuple[str, ...]) -> None:
    """Refuse a list that names a seat twice."""
    if len(set(seats)) != len(seats):
        raise Refusal("seat_repeated", field="/seats", accepted="each seat once")


def changes(state: EventState, each: TicketClassRow, edit: ClassEdit) -> dict[str, Any]:
    """Return what an edit really changes, or refuse it."""
    found = {
        name: value
        for name in edit.__struct_fields__
        if name != "version"
        and (value := getattr(edit, name)) is not UNSET
        and value != getattr(each, name)
    }
    if state in ("cancelled", "ended"):
        raise Refusal("event_closed")
    if state == "published" and (fixed := [name for name in FIXED if name in found]):
        raise Refusal("field_fixed", field=f"/{fixed[0]}", accepted="the value that it has")
    if each.seated and "capacity" in found:
        raise Refusal("class_seated", field="/capacity", accepted="seats added or withdrawn")
    return found
