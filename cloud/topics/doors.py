"""What happens at the doors, once it has come in. Key: `incident:<id>`, or `doors:<event>`."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from cloud.topics.form import Count, Hex8, Hex16, OfEvent, Told

MOST: Final = 500  # records in a message: what comes in by the ten thousand goes out in pieces


class IncidentOpened(Told, frozen=True):
    """An incident that no merge has found before. Key: `incident:<id>`."""

    incident_id: Hex16
    kind: Annotated[str, Meta(examples=["double_entry"])]
    event_ref: Annotated[Hex8, Meta(description="Zeros: about a device's log.")]
    event_id: UUID | None


class Passage(Told, frozen=True):
    """A record of a door's log. `ticket_id` null: no ticket of the event has its hash."""

    record_id: Hex16
    device_id: Hex16
    ticket_id: UUID | None
    at: Annotated[datetime, Meta(tz=True, description="By the device's clock.")]
    gate: Count
    zone: Count
    day: Annotated[int, Meta(ge=0, description="Of the event; 0: the whole of it.")]


class Scan(Passage, frozen=True):
    """A scan, and what it came to. `overridden`: a supervisor let it in in spite of that."""

    outcome: Annotated[str, Meta(pattern="^[a-z_]+$", examples=["admitted", "already_admitted"])]
    overridden: bool = False


class TakenBack(Passage, frozen=True):
    """The end of an entry that should not have been. `entry`: its record."""

    entry: Hex16


class Scans(OfEvent, frozen=True):
    """Scans of an event that one upload or moment has brought."""

    records: Annotated[tuple[Scan, ...], Meta(min_length=1, max_length=MOST)]


class Undone(OfEvent, frozen=True):
    """Entries of an event that were taken back."""

    records: Annotated[tuple[TakenBack, ...], Meta(min_length=1, max_length=MOST)]
