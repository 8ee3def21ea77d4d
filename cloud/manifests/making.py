"""The next version of a manifest, from the last one and the tickets' rows. Runs in a thread."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import structlog

from cloud.manifests import listing
from cloud.manifests.listing import Listed
from cloud.manifests.repository import Chunk
from shared.errors import Refused
from shared.event import Plan
from shared.manifest import build, delta
from shared.manifest.chunk import CHUNKS
from shared.manifest.delta import Change, Entry
from shared.manifest.head import Head, chunk_digest, names_digest
from shared.manifest.sealed import NONCE_SIZE
from shared.manifest.table import Table
from shared.manifest.ticket import TicketRecord, check_successor

LOG = structlog.get_logger("usher.manifests")


class Nonces:
    """The nonces of sealed names. A key is one ticket's and generation's (spec/manifest.md §4).

    First names under their keys share one, so that a list travels with few of them. It is one
    publisher's own, held in memory: a service put back from a backup draws another.
    """

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._first = random(NONCE_SIZE)

    def fresh(self) -> bytes:
        """Return one that no name was sealed with."""
        return self._random(NONCE_SIZE)

    def of(self, old: TicketRecord | None, new: TicketRecord) -> bytes:
        """Return the one for a ticket's name. Under a key that was in the list, a fresh one."""
        return self._first if old is None or old.gen < new.gen else self.fresh()


class Dates(NamedTuple):
    """What a head says of time, in unix seconds."""

    issued: int
    expires: int
    sales_end: int


class Made(NamedTuple):
    """A version: its head, the chunks that it changes, and its entry in the log."""

    head: Head
    chunks: dict[int, Chunk]
    entry: Entry | None  # None: the chain starts anew


def partial(event: bytes, sizes: Mapping[int, int], read: Mapping[int, Chunk]) -> Table:
    """Return a table of which only some chunks were read.

    The others are zeros of their length: they count for the number of tickets, and nobody looks.
    """
    chunks = [
        read[place].records if place in read else bytes(sizes.get(place, 0))
        for place in range(CHUNKS)
    ]
    names = [read[place].names if place in read else b"" for place in range(CHUNKS)]
    return Table(event, tuple(chunks), tuple(names))


def step(
    previous: Head,
    table: Table,
    rows: Sequence[Listed],
    plan: Plan,
    dates: Dates,
    nonces: Nonces,
) -> Made | None:
    """Return the next version, None where it is too much for one entry of the log.

    `table` has the chunks of `rows`.
    """
    changes = _changes(table, rows, nonces)
    try:
        entry = delta.entry(previous.version + 1, changes)
    except ValueError:
        return None
    after = delta.advance(table, entry)
    places = sorted({change.record.ticket_hash[0] for change in changes})
    head = build.next_head(
        previous, Table(table.event), entry, issued=dates.issued, expires=dates.expires
    )
    records, names = list(previous.chunks), list(previous.names)
    for place in places:
        records[place] = chunk_digest(table.event, place, after.chunks[place])
        names[place] = names_digest(table.event, place, after.names[place])
    head = msgspec.structs.replace(
        head,
        sales_end=dates.sales_end,
        tickets=after.tickets,
        chunks=tuple(records),
        names=tuple(names),
        plan=plan,
    )
    return Made(
        head, {place: Chunk(after.chunks[place], after.names[place]) for place in places}, entry
    )


class Whole:
    """A table that is built from all of an event's tickets, page by page.

    All names are sealed anew with one nonce: each has its own key.
    """

    def __init__(self, old: Table, nonce: bytes) -> None:
        self._old = old
        self._nonce = nonce
        self._records = {each.ticket_hash: each for each in old.records()}
        self._names: dict[bytes, bytes] = {}
        self._next = old.tickets

    def add(self, rows: Iterable[Listed]) -> None:
        """Take in some tickets. Those that were listed keep their numbers."""
        for row in rows:
            old = self._records.get(row.hash)
            record = listing.record(row, old, self._next)
            if record is None or not _follows(row, old, record):
                continue
            self._next += old is None
            self._records[row.hash] = record
            self._names[row.hash] = listing.name(row, self._nonce)

    def made(self, version: int, plan: Plan, dates: Dates) -> Made:
        """Return the version."""
        table = build.table(self._old.event, self._records.values(), self._names)
        head = build.head(table, plan, version=version, **dates._asdict())
        pairs = zip(table.chunks, table.names, strict=True)
        chunks = {place: Chunk(*pair) for place, pair in enumerate(pairs) if pair[0]}
        return Made(head, chunks, None)


def _changes(table: Table, rows: Iterable[Listed], nonces: Nonces) -> list[Change]:
    changes = []
    number = table.tickets
    for row in rows:
        old = table.find(row.hash)
        record = listing.record(row, old, number)
        if record is None or not _follows(row, old, record):
            continue
        number += old is None
        changes.append(Change(record, listing.name(row, nonces.of(old, record))))
    return changes


def _follows(row: Listed, old: TicketRecord | None, new: TicketRecord) -> bool:
    """Whether gates would take the new record."""
    if old is None:
        return True
    try:
        check_successor(old, new)
    except Refused as error:
        LOG.error("ticket_unlistable", ticket=str(row.ticket_id), code=error.code)
        return False
    return True
