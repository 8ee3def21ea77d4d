"""Events: what is said of them, and what may still change once they are published."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cloud.currencies import Currency
from cloud.errors import Refusal
from cloud.events.fields import (
    Bps,
    In,
    Moment,
    Name,
    Share,
    Text,
    Version,
    Zone,
    check_text,
    check_year,
)
from cloud.events.plan import Hours, out_of_range
from cloud.events.zones import zone_of
from shared.event import Policy

EventState = Literal["draft", "published", "cancelled", "ended"]
Resale = Literal["off", "capped", "open"]
Days = Annotated[tuple[Hours, ...], Meta(max_length=400)]
Freeze = Annotated[int, Meta(ge=0, le=2_592_000, description="Seconds before doors.")]
Cap = Annotated[int, Meta(ge=0, le=100_000, description="Of the price, in basis points.")]
Count = Annotated[int, Meta(ge=0, le=1000)]
Cooldown = Annotated[int, Meta(ge=0, le=604_800, description="Seconds.")]

# What tickets already carry or gates already know: it stands from publication on.
FIXED: Final = ("venue_id", "timezone", "currency")
TIMES: Final = ("doors_at", "starts_at", "ends_at")


class NewEvent(In, frozen=True):
    """An event to be made, as a draft."""

    venue_id: UUID
    name: Name
    doors_at: Moment
    starts_at: Moment
    ends_at: Moment
    currency: Currency
    description: Text = ""
    timezone: Zone | None = None  # the venue's
    days: Days = ()
    policy: Policy = Policy()
    royalty_bps: Bps = 0
    transfers: bool = True
    transfer_freeze: Freeze = 3600
    resale: Resale = "off"
    resale_cap_bps: Cap = 10_000
    reissue_limit: Count = 5
    reissue_cooldown: Cooldown = 600


class EventEdit(In, frozen=True):
    """Changes of an event; what is left out stays."""

    version: Version
    venue_id: UUID | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    doors_at: Moment | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET
    days: Days | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    royalty_bps: Bps | UnsetType = UNSET
    transfers: bool | UnsetType = UNSET
    transfer_freeze: Freeze | UnsetType = UNSET
    resale: Resale | UnsetType = UNSET
    resale_cap_bps: Cap | UnsetType = UNSET
    reissue_limit: Count | UnsetType = UNSET
    reissue_cooldown: Cooldown | UnsetType = UNSET


class Event(msgspec.Struct, frozen=True):
    """An event as stored."""

    event_id: UUID
    ref: bytes  # 8; what tokens and records carry
    venue_id: UUID
    name: str
    description: str
    timezone: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    days: tuple[Hours, ...]
    currency: str
    state: EventState
    policy: Policy
    royalty_bps: int
    transfers: bool
    transfer_freeze: int
    resale: Resale
    resale_cap_bps: int
    reissue_limit: int
    reissue_cooldown: int
    next_number: int
    version: int
    published_at: datetime | None
    cancelled_at: datetime | None


class Artist(In, frozen=True):
    """Who plays, and their part of the royalties."""

    account_id: UUID
    share_bps: Share = 10_000


class Artists(In, frozen=True):
    """All artists of an event."""

    version: Version
    artists: Annotated[tuple[Artist, ...], Meta(max_length=100)]


class Versioned(In, frozen=True):
    """A change that needs to say nothing but what it was made from."""

    version: Version


def changes(event: Event, edit: EventEdit) -> dict[str, Any]:
    """Return what an edit really changes, or refuse it."""
    wanted = {
        name: value
        for name in edit.__struct_fields__
        if name != "version" and (value := getattr(edit, name)) is not UNSET
    }
    found = {name: value for name, value in wanted.items() if value != getattr(event, name)}
    if event.state in ("cancelled", "ended"):
        raise Refusal("event_closed")
    if event.state == "published" and (fixed := [name for name in FIXED if name in found]):
        raise Refusal("field_fixed", field=f"/{fixed[0]}", accepted="the value that it has")
    return found


def check(given: NewEvent | Event, timezone: str) -> None:
    """Refuse what contradicts itself."""
    zone_of(timezone)
    for name in TIMES:
        check_year(getattr(given, name), f"/{name}")
    if not given.doors_at <= given.starts_at:
        raise Refusal("event_times", field="/doors_at", accepted="a time not after starts_at")
    if not given.starts_at < given.ends_at:
        raise Refusal("event_times", field="/ends_at", accepted="a time after starts_at")
    if out_of_range(given.days):
        raise Refusal("time_range", field="/days", accepted="dates from 2000 to 2100")
    check_text(given)
