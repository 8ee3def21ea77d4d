"""Incidents as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.checkins.reports import Entry
from cloud.incidents.model import State

Note = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$",
        description="Why: for whoever reads it later. No names.",
    ),
]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody found out."""

    state: Annotated[
        Literal["open", "explained", "confirmed"],
        Meta(description="`open` takes an earlier decision back."),
    ]
    note: Note = ""


class IncidentOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something for a person to settle. Zeros: it is about a device's log, and at no event."""

    incident: str
    kind: str  # shared/spec/merge.md §5, or `quarantined`: records that are kept and don't count
    event_id: UUID | None
    ticket: str  # hash, in hex
    ticket_id: UUID | None
    device: str  # of the record that it is about
    incarnation: int
    seq: int
    records: int  # that show it
    devices: tuple[str, ...]  # concerned
    gates: tuple[int, ...]
    found_at: datetime
    resolved_at: datetime | None  # a later merge has it no more
    state: State
    decided_by: str | None  # as the audit names them
    decided_at: datetime | None
    note: str


class Exhibit(Entry, frozen=True, kw_only=True):
    """A record that shows an incident."""

    event_id: UUID | None
    device_name: str
    gate_name: str
    signed: bool  # by itself; else it is evidence with the records up to the next signed one
    proved: bool  # what it says of others' admissions was vouched for
    raw: str  # its 256 bytes, in hex


class IncidentDetail(IncidentOut, frozen=True, kw_only=True):
    """An incident with its evidence: the record that it is about first, 32 at most."""

    evidence: tuple[Exhibit, ...]
