"""When search lists are published, what they say of a ticket, and which parts a change writes.

Changes are parts behind those that a series began with. A new one swallows the parts before it
that are no larger, as a counter carries: so n changes lie in about log n parts, and a device
takes each of them about that many times.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from shared.manifest.search import MAX_PARTS, Entry

# These three stand in search_lists_due() as well (migrations/0015_search.sql).
AHEAD: Final = timedelta(days=15)  # before the doors, as manifests
BEHIND: Final = timedelta(hours=24)  # after the end: then the list is dropped
SERIES_LIFE: Final = timedelta(hours=24)  # with changes: so long is an old name in an older part

FEW: Final = 512  # changes for which no series is begun anew, however small the list is
MERGED: Final = 4096  # tickets in a part that others were merged into
PAGE: Final = 10_000  # tickets read at once
MOST_WANTED: Final = 8  # parts in one answer
REFERENCE: Final = 8  # hex digits of an order that people read out


class Due(NamedTuple):
    """An event whose list is to be published, or dropped."""

    tenant: UUID
    event_id: UUID


class Ticket(NamedTuple):
    """A ticket, and what the list says of it: None for nothing."""

    hash: bytes
    entry: Entry | None


def of_row(row: Row) -> Ticket:
    """Return a row as the list has it."""
    if not row["listed"]:
        return Ticket(row["hash"], None)
    order = row["order_id"]
    reference = "" if order is None else order.hex[:REFERENCE]
    name, seat = row["attendee"] or "", row["seat"] or ""
    return Ticket(row["hash"], Entry(row["hash"], name, seat, reference, row["class_index"]))


def rewritten(sizes: Sequence[int], base: int, new: int) -> int:
    """Return from which place on parts are written again.

    `sizes`: of how many tickets each part speaks; `base`: parts that the series began with.
    """
    place, total = len(sizes), new
    while place > base and sizes[place - 1] <= total and sizes[place - 1] + total <= MERGED:
        place -= 1
        total += sizes[place]
    return place


def is_worn(sizes: Sequence[int], base: int) -> bool:
    """Whether a list of these parts is better begun anew: more than half of it has changed."""
    began, changed = sum(sizes[:base]), sum(sizes[base:])
    return changed > max(FEW, began // 2) or len(sizes) > MAX_PARTS
