"""A manifest as its publisher makes it (spec/manifest.md §7).

table = build.table(event, records)                    # the first time
head = build.head(table, version=1, ...)               # then head.seal_head(head, secret)

step = delta.entry(2, changes)                         # from then on
table = delta.advance(table, step)
head = build.next_head(head, table, step, issued=..., expires=...)
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from shared import hashing
from shared.event import Plan
from shared.manifest import chunk, names, ticket
from shared.manifest.chunk import CHUNKS
from shared.manifest.delta import Entry
from shared.manifest.head import CHAIN_START, Head, chunk_digest, names_digest
from shared.manifest.table import Table, check_numbers
from shared.manifest.ticket import HASH_SIZE, SIZE, TicketRecord


def table(
    event: bytes, records: Iterable[TicketRecord], sealed: Mapping[bytes, bytes] | None = None
) -> Table:
    """Return the table of `records`, in any order, and of sealed names by ticket hash.

    `sealed` is None for an event without names.
    """
    chunks = [b""] * CHUNKS
    for place, rows in groupby(sorted(map(ticket.pack, records)), lambda row: row[0]):
        chunks[place] = b"".join(rows)
        chunk.check(place, chunks[place])
    check_numbers(chunks, sum(map(len, chunks)) // SIZE)
    named = () if sealed is None else tuple(_names(each, sealed) for each in chunks)
    return Table(event, tuple(chunks), named)


def head(
    whole: Table,
    plan: Plan,
    *,
    version: int,
    issued: int,
    expires: int,
    sales_end: int,
    delta: bytes = CHAIN_START,
) -> Head:
    """Return the head of a table. The default of `delta` starts a delta chain."""
    event = whole.event
    return Head(
        event=event.hex(),
        version=version,
        issued=issued,
        expires=expires,
        sales_end=sales_end,
        tickets=whole.tickets,
        chunks=tuple(chunk_digest(event, i, each) for i, each in enumerate(whole.chunks)),
        names=tuple(names_digest(event, i, each) for i, each in enumerate(whole.names)),
        delta=delta.hex(),
        plan=plan,
    )


def next_head(previous: Head, whole: Table, step: Entry, *, issued: int, expires: int) -> Head:
    """Return the head of the table that `step` led to."""
    before = bytes.fromhex(previous.delta)
    return head(
        whole,
        previous.plan,
        version=step.version,
        issued=issued,
        expires=expires,
        sales_end=previous.sales_end,
        delta=hashing.delta_hash(whole.event, before, step.version, step.changes),
    )


def _names(records: bytes, sealed: Mapping[bytes, bytes]) -> bytes:
    """Return the names of a chunk in the order of its records."""
    offsets = range(0, len(records), SIZE)
    return names.encode(sealed.get(records[i : i + HASH_SIZE], b"") for i in offsets)
