"""Parts and heads of search lists. Pure but for the random bytes; runs in a thread."""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

import msgspec

from cloud.search.model import Ticket
from shared.manifest.search import (
    Entry,
    SearchHead,
    Words,
    joined,
    make_head,
    open_part,
    packed,
    seal_part,
)
from shared.manifest.search_keys import KEY_SIZE, SALT_SIZE, Series


class Part(NamedTuple):
    """One part, as stored. `words`: of how many tickets it speaks."""

    place: int
    words: int
    digest: bytes
    sealed: bytes


def new_series(event: bytes) -> Series:
    """Return a series that nobody has the key of."""
    return Series(event, os.urandom(16), os.urandom(KEY_SIZE))


class Whole:
    """The parts that a series begins with, made page by page."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._rest: list[Entry] = []
        self.digests: list[bytes] = []

    def add(self, tickets: Iterable[Ticket]) -> list[Part]:
        """Take some tickets in; return the parts that are full."""
        entries = (ticket.entry for ticket in tickets if ticket.entry is not None)
        *full, last = list(packed(chain(self._rest, entries))) or [Words([], [])]
        self._rest = last.entries
        return self._sealed(full)

    def end(self) -> list[Part]:
        """Return the last part, if anything is left for it."""
        return self._sealed(list(packed(self._rest)))

    def _sealed(self, words: Sequence[Words]) -> list[Part]:
        parts = sealed(self._series, len(self.digests), words)
        self.digests += [part.digest for part in parts]
        return parts


def sealed(series: Series, first: int, words: Iterable[Words]) -> list[Part]:
    """Return parts from a place on, each under a salt that was never used."""
    parts = []
    for place, each in enumerate(words, first):
        raw = seal_part(series, place, each, os.urandom(SALT_SIZE))
        said = len(each.entries) + len(each.gone)
        parts.append(Part(place, said, sha256(raw).digest(), raw))
    return parts


def changed(
    series: Series, first: int, swallowed: Sequence[bytes], tickets: Sequence[Ticket]
) -> list[Part]:
    """Return the parts from a place on: those that stood there and the changes, in one."""
    before = [open_part(series, place, part) for place, part in enumerate(swallowed, first)]
    gone = {ticket for words in before for ticket in words.gone}
    gone |= {ticket.hash for ticket in tickets if ticket.entry is None}
    entries = joined(before)
    entries |= {ticket.hash: ticket.entry for ticket in tickets if ticket.entry is not None}
    for ticket in tickets:
        if ticket.entry is None:
            entries.pop(ticket.hash, None)
    return sealed(series, first, packed(entries.values(), sorted(gone - entries.keys())))


def first_head(
    series: Series, version: int, digests: Iterable[bytes], badges: Iterable[bytes]
) -> SearchHead:
    """Return the head that a series begins with, its key sealed to badges."""
    return make_head(series, version, digests, {pk: os.urandom(KEY_SIZE) for pk in badges})


def next_head(before: SearchHead, version: int, first: int, parts: Iterable[Part]) -> SearchHead:
    """Return the head over the same parts up to a place, and others from there on."""
    digests = (*before.parts[:first], *(part.digest.hex() for part in parts))
    return msgspec.structs.replace(before, version=version, parts=digests)
