"""Venues with their zones and gates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cloud.errors import Refusal
from cloud.events.fields import In, Line, Name, Version, check_text
from cloud.events.fields import Zone as ZoneName
from cloud.events.plan import Blame, blames
from shared.event import Gate, Plan, Zone

Zones = Annotated[tuple[Zone, ...], Meta(max_length=500)]
Gates = Annotated[tuple[Gate, ...], Meta(max_length=2000)]


class NewVenue(In, frozen=True):
    """A venue to be made."""

    name: Name
    timezone: ZoneName
    address: Line = ""
    zones: Zones = ()
    gates: Gates = ()


class VenueEdit(In, frozen=True):
    """Changes of a venue; what is left out stays."""

    version: Version
    name: Name | UnsetType = UNSET
    timezone: ZoneName | UnsetType = UNSET
    address: Line | UnsetType = UNSET


class Layout(In, frozen=True):
    """All zones and gates of a venue."""

    version: Version
    zones: Zones
    gates: Gates


class VenueRow(msgspec.Struct, frozen=True):
    """A venue as stored, without its layout."""

    venue_id: UUID
    name: str
    address: str
    timezone: str
    version: int
    created_at: datetime
    archived_at: datetime | None


class Venue(msgspec.Struct, frozen=True):
    """A venue. `timezone` is what its events begin with."""

    venue_id: UUID
    name: str
    address: str
    timezone: str
    version: int
    created_at: datetime
    archived_at: datetime | None
    zones: tuple[Zone, ...]
    gates: tuple[Gate, ...]


def check_layout(given: NewVenue | Layout) -> None:
    """Refuse zones and gates that make no sense by themselves."""
    check_text(given)
    refuse_faults(blames(Plan(given.zones, given.gates, ())))


def refuse_faults(found: Sequence[Blame], code: str = "plan_faulty", **facts: object) -> None:
    """Refuse a faulty plan, naming its first fault, and all of them in `faults`."""
    if found:
        each = [{"code": b.code, "field": b.field, "accepted": b.accepted} for b in found[:20]]
        field, accepted = found[0].field, found[0].accepted
        raise Refusal(code, field=field, accepted=accepted, faults=each, **facts)
