"""An event's search list, opened with a badge: who holds what, in memory alone (spec/files.md §3).

A newer version of the list opens only the parts that are new in it. Parts that are not here, or
that don't open, are counted: a supervisor who finds nobody has to know whether all was looked at.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from edge.gate.trust import Search
from shared.errors import UsherError
from shared.manifest.search import Entry, Words, joined, open_part, open_series
from shared.manifest.search_keys import Series

Chunk = Callable[[bytes], bytes | None]


class Guest(NamedTuple):
    """One ticket of the list, and what it is found by."""

    entry: Entry
    text: str  # as people type it


class GuestList(NamedTuple):
    """A version of an event's list, as far as its parts are here."""

    raw: bytes  # its head
    series: Series
    parts: Mapping[str, Words]  # by digest
    guests: Mapping[bytes, Guest]  # by the ticket's id hash
    missing: int  # parts


def opened(before: GuestList | None, search: Search, badge: bytes, chunk: Chunk) -> GuestList:
    """Return the list of a head, or raise `UsherError` where it is not for this badge.

    `before`: what this badge had open of the event. `chunk` gives what is stored, by digest.
    """
    if before is not None and before.raw == search.raw:
        if not before.missing:
            return before
        series = before.series
    else:
        series = open_series(search.head, badge)
    known = before.parts if before is not None and before.series == series else {}
    parts = _parts(search, series, known, chunk)
    guests = _guests(joined(parts.values()), before.guests if before else {})
    return GuestList(search.raw, series, parts, guests, len(search.head.parts) - len(parts))


def matching(guests: GuestList, words: Iterable[str]) -> list[Entry]:
    """Return the tickets that have every word, as `plain` writes it."""
    left = list(guests.guests.values())
    for word in sorted(words, key=len, reverse=True):  # the longest leaves the fewest
        left = [guest for guest in left if word in guest.text]
    return [guest.entry for guest in left]


def plain(text: str) -> str:
    """Return a text as people type it: no accents, no case."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _parts(
    search: Search, series: Series, known: Mapping[str, Words], chunk: Chunk
) -> dict[str, Words]:
    """Return what the parts say that are here, in the order of their places."""
    parts: dict[str, Words] = {}
    for place, digest in enumerate(search.head.parts):
        if digest in known:
            parts[digest] = known[digest]
        elif (content := chunk(bytes.fromhex(digest))) is not None:
            with suppress(UsherError):  # it rotted on the disk, or was never right
                parts[digest] = open_part(series, place, content)
    return parts


def _guests(entries: Mapping[bytes, Entry], before: Mapping[bytes, Guest]) -> dict[bytes, Guest]:
    guests: dict[bytes, Guest] = {}
    for ticket, entry in entries.items():
        known = before.get(ticket)
        if known is None or known.entry is not entry:
            known = Guest(entry, plain(f"{entry.name} {entry.seat} {entry.order}"))
        guests[ticket] = known
    return guests
