"""An event's plan, computed from what its organizer wrote. Pure.

Organizers write dates and times of day; gates read seconds. A span of `Hours` is computed in
the event's time zone by shared.calendar: it is never shortened by a change of the clocks, and
one on a date that the zone skipped is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, tzinfo
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from shared import calendar
from shared.event import (
    Day,
    Gate,
    Id,
    Note,
    Plan,
    Policy,
    Question,
    Seconds,
    TicketClass,
    Window,
    Zone,
)
from shared.rules.compiled import compile_rules
from shared.rules.faults import Fault

MAX_PLAN: Final = 900_000  # bytes; a signed head has at most 1 MiB, chunk hashes included
YEARS: Final = range(2000, 2101)

Clock = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        max_length=5,
        description="A time of day in the event's time zone.",
        examples=["18:30"],
    ),
]


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A span on one date, in the event's time zone. `closes` not after `opens`: the next date.

    Without `closes` it lasts until the same time on the next date.
    """

    date: Annotated[date, Meta(description="From 2000 to 2100.", examples=["2027-05-01"])]
    opens: Clock
    closes: Clock | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The entry rule of a ticket class: shared.event.TicketClass, and windows as `hours`."""

    zones: tuple[Id, ...]
    gates: tuple[Id, ...] = ()
    valid_from: Seconds = 0
    valid_until: Seconds = 2**40
    windows: tuple[Window, ...] = ()
    per: Literal["event", "day"] = "event"
    allowance: Annotated[int, Meta(ge=1, le=255)] = 1
    day_cap: Annotated[int, Meta(ge=0, le=126)] = 0
    re_entry: bool = False
    min_gap: Annotated[int, Meta(ge=0, le=86_400)] = 0
    group: bool = False
    collect_unpaid: bool = False
    attention: Note = ""
    questions: tuple[Question, ...] = ()
    hours: tuple[Hours, ...] = ()  # added to `windows`


class ClassEntry(NamedTuple):
    """A class as far as a plan goes."""

    class_index: int
    name: str
    entry: Entry


class Blame(NamedTuple):
    """What is wrong with a plan: where, and what would be taken."""

    code: str  # a key of shared.errors.SENTENCES
    field: str
    accepted: str


def compute(
    name: str,
    timezone: str,
    zone: tzinfo,
    *,
    zones: Sequence[Zone],
    gates: Sequence[Gate],
    days: Sequence[Hours],
    classes: Sequence[ClassEntry],
    policy: Policy,
) -> Plan:
    """Return the plan. Nothing is checked: see `blames`."""
    return Plan(
        zones=tuple(zones),
        gates=tuple(gates),
        classes=tuple(_class(each, zone) for each in classes),
        days=tuple(
            Day(index, span.start, span.end) for index, span in enumerate(_spans(days, zone), 1)
        ),
        policy=policy,
        name=name,
        timezone=timezone,
    )


def blames(plan: Plan) -> list[Blame]:
    """Return what keeps the plan from being published."""
    rules = compile_rules(bytes(8), plan, 0, 0)
    return [_blame(fault) for fault in rules.faults]


def is_too_large(plan: Plan) -> bool:
    """Whether a signed head would not hold it."""
    return len(msgspec.json.encode(plan)) > MAX_PLAN


def out_of_range(hours: Iterable[Hours]) -> bool:
    """Whether a date is outside the years that are taken."""
    return any(each.date.year not in YEARS for each in hours)


def _spans(hours: Iterable[Hours], zone: tzinfo) -> Iterator[Window]:
    for each in hours:
        opens = time.fromisoformat(each.opens)
        if each.closes is None:
            for day in calendar.days(each.date, each.date, opens, zone):
                yield Window(day.start, day.end)
        else:
            yield from calendar.windows((each.date,), opens, time.fromisoformat(each.closes), zone)


def _class(given: ClassEntry, zone: tzinfo) -> TicketClass:
    entry = msgspec.structs.asdict(given.entry)
    hours = entry.pop("hours")
    entry["windows"] = (*given.entry.windows, *_spans(hours, zone))
    return TicketClass(index=given.class_index, name=given.name, **entry)


# Per fault: which member of the faulty part is to blame, and what it takes.
ACCEPTED: Final = {
    "plan_zone_repeated": ("id", "a number that no other zone has"),
    "plan_zone_parent": ("parent", "0, or the number of another zone that does not lie in this"),
    "plan_gate_repeated": ("id", "a number that no other gate has"),
    "plan_gate_zone": ("zone", "the number of a zone of this venue"),
    "plan_day_bounds": ("closes", "a time after the day opens"),
    "plan_day_order": ("opens", "days in order, each opening when the one before has closed"),
    "plan_class_repeated": ("index", "a number that no other class has"),
    "plan_class_zones": ("entry/zones", "one or more numbers of the venue's zones"),
    "plan_class_gates": ("entry/gates", "gates that lead into the class's zones, or none"),
    "plan_class_validity": ("entry/valid_until", "a time after valid_from"),
    "plan_class_window": ("entry/windows", "windows that end after they start"),
    "plan_class_days": ("entry/per", "`day` with days of the event; a day_cap with `day` alone"),
    "plan_class_questions": ("entry/questions", "questions with numbers of their own"),
}
PLACES: Final = {"zone": "zones", "gate": "gates", "day": "days", "class": "classes"}


def _blame(fault: Fault) -> Blame:
    member, accepted = ACCEPTED[fault.code]
    return Blame(fault.code, f"/{PLACES[fault.part]}/{fault.id}/{member}", accepted)
