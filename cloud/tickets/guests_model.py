"""Guest lists: what is said of a job, and of each line that was not taken."""

from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

SHOWN: Final = 500  # faults of a list that are told one by one
TOPIC: Final = "guests.batch"  # a list has another batch to issue
JobState = Literal["waiting", "running", "done", "failed"]
FaultCode = Literal[
    "column_missing", "column_unknown", "column_repeated", "quoting", "cells", "class_unknown",
    "class_ambiguous", "name", "email", "count", "seat_needed", "seat_not_taken", "seat_unknown",
    "seat_repeated", "seat_taken", "sold_out",
]  # fmt: skip


class Fault(msgspec.Struct, frozen=True):
    """A cell that was not taken, and what would be. What it said is not repeated."""

    line: Annotated[int, Meta(description="Of the file; the header is line 1.")]
    column: Annotated[str, Meta(description="Its name, or `#4` where it has none.")]
    code: FaultCode
    accepted: str


class Report(msgspec.Struct, frozen=True):
    """How a list went. `faulty`: how many faults there are, of which `faults` tells the first."""

    issued: int = 0
    faulty: int = 0
    faults: tuple[Fault, ...] = ()
    refused: Annotated[str, Meta(description="The code of what stopped it, if anything.")] = ""


class JobInput(msgspec.Struct, frozen=True):
    """What a job was asked to do."""

    event_id: UUID
    dry_run: bool = False
    over_capacity: bool = False


class Job(msgspec.Struct, frozen=True):
    """Long work: `done` of `total` tickets. A dry run is done at once, and issues nothing."""

    job_id: UUID
    kind: str
    state: JobState
    event_id: UUID
    dry_run: bool
    over_capacity: bool
    done: int
    total: int
    report: Report
    created_at: datetime
    ended_at: datetime | None


class GuestRow(NamedTuple):
    """A ticket to be issued, and the line that asks for it."""

    line: int
    class_index: int
    name: str
    email: str | None
    seat: str | None


class GuestList(NamedTuple):
    """What a file says."""

    rows: list[GuestRow]
    faults: list[Fault]


def report(faults: list[Fault], issued: int = 0) -> Report:
    """Return the report of a list."""
    return Report(issued, len(faults), tuple(faults[:SHOWN]))


def more(old: Report, issued: int, faults: list[Fault]) -> Report:
    """Return a report with what has become of some more lines."""
    shown = (*old.faults, *faults)[:SHOWN]
    return Report(old.issued + issued, old.faulty + len(faults), shown, old.refused)


def capacity_faults(rows: list[GuestRow], free: dict[int, int]) -> list[Fault]:
    """Return which lines ask for tickets that are not there, given how many are free by class."""
    left, faults = dict(free), dict[int, Fault]()
    for row in rows:
        if row.seat is not None:
            continue
        left[row.class_index] = left.get(row.class_index, 0) - 1
        if left[row.class_index] < 0:
            faults.setdefault(row.line, sold_out(row.line, free.get(row.class_index, 0)))
    return list(faults.values())


def sold_out(line: int, free: int = 0) -> Fault:
    """Return that a class has no more tickets for guests."""
    accepted = f"{free} tickets of that class in all, or a list with over_capacity"
    return Fault(line, "class", "sold_out", accepted)


def seat_faults(rows: list[GuestRow], seats: dict[str, int], taken: set[str]) -> list[Fault]:
    """Return what is wrong with the seats that a list asks for."""
    faults = []
    for row in rows:
        if row.seat is None:
            continue
        if seats.get(row.seat) != row.class_index:
            faults.append(Fault(row.line, "seat", "seat_unknown", "a seat of that class"))
        elif row.seat in taken:
            faults.append(seat_taken(row.line))
    return faults


def seat_taken(line: int) -> Fault:
    """Return that somebody has the seat."""
    return Fault(line, "seat", "seat_taken", "a seat that nobody has")
