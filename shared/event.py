"""What an event says about its gates and tickets: the part of a manifest head that rules read.

Every bound is in unix seconds and half-open (`start <= t < end`), computed in the event's
time zone by whoever publishes the manifest: no gate needs a time-zone database
(spec/manifest.md §8).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

U8 = Annotated[int, Meta(ge=0, le=0xFF)]
U16 = Annotated[int, Meta(ge=0, le=0xFFFF)]
U32 = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
Id = Annotated[int, Meta(ge=1, le=0xFFFF)]
Seconds = Annotated[int, Meta(ge=0, le=2**40)]
Label = Annotated[str, Meta(min_length=1, max_length=80)]
Note = Annotated[str, Meta(max_length=200)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every struct on the wire: one spelling, no field that a reader would skip."""


class Zone(Strict, frozen=True):
    """An area behind gates; `parent` is the zone that it lies in, 0 for none."""

    id: Id
    name: Label
    parent: U16 = 0
    capacity: U32 = 0  # people; 0: not counted


class Gate(Strict, frozen=True):
    """A point of scanning in front of `zone`."""

    id: Id
    name: Label
    zone: Id
    direction: Literal["entry", "exit", "both"] = "entry"


class Window(Strict, frozen=True):
    """A half-open span of unix seconds."""

    start: Seconds
    end: Seconds


class Day(Strict, frozen=True):
    """One day of the event: index from 1, in order, bounds in unix seconds."""

    index: Id
    start: Seconds
    end: Seconds


class Question(Strict, frozen=True):
    """Something staff ask at the gate. `choices` empty: free text of 1 to 200 characters."""

    id: Id
    text: Label
    required: bool = True
    choices: tuple[Label, ...] = ()


class TicketClass(Strict, frozen=True):
    """The entry rule of one kind of ticket.

    A pool is (ticket, zone, day), day 0 for `per="event"`. `allowance` root rights each;
    `group`: they belong to several people, who may enter in one scan. `day_cap`: the ticket
    is good for that many distinct days (0: no cap).
    """

    index: U16
    name: Label
    zones: tuple[Id, ...]
    gates: tuple[Id, ...] = ()  # empty: every gate of its zones
    valid_from: Seconds = 0
    valid_until: Seconds = 2**40
    windows: tuple[Window, ...] = ()  # empty: the whole of valid_from..valid_until
    per: Literal["event", "day"] = "event"
    allowance: Annotated[int, Meta(ge=1, le=255)] = 1
    day_cap: Annotated[int, Meta(ge=0, le=126)] = 0
    re_entry: bool = False
    min_gap: Annotated[int, Meta(ge=0, le=86_400)] = 0  # seconds between two entries
    group: bool = False
    collect_unpaid: bool = False  # a supervisor may take the money at the gate
    attention: Note = ""  # what staff must look at: "Child: check ID"
    questions: tuple[Question, ...] = ()


class Policy(Strict, frozen=True):
    """What the organizer decided for the cases that no rule can settle."""

    unknown_ticket: Literal["admit", "hold"] = "admit"
    live_past: Annotated[int, Meta(ge=0, le=3600)] = 45  # seconds a live code may be old
    live_future: Annotated[int, Meta(ge=0, le=3600)] = 30  # seconds a phone may be ahead
    warn_age: U32 = 6 * 3600  # seconds since the head was issued
    restrict_age: U32 = 24 * 3600
    restricted: Literal["admit", "hold", "refuse"] = "hold"
    overrides: U16 = 50  # how many a device may write at this event
    pins: bool = True  # staff may open scanning by PIN, without a badge


class Plan(Strict, frozen=True):
    """An event's zones, gates, days, classes and policy, and how people call it.

    `timezone`: an IANA name for showing times to people; no rule reads it.
    """

    zones: tuple[Zone, ...]
    gates: tuple[Gate, ...]
    classes: tuple[TicketClass, ...]
    days: tuple[Day, ...] = ()
    policy: Policy = Policy()
    name: Note = ""
    timezone: Note = ""
