"""What changed from one version to the next (spec/manifest.md §3).

    entry  = version u32 | length u32 | changes
    change = record 29 | name (`names`), strictly increasing by hash
    chain  = hashing.delta_hash(event, chain before, version, changes)

Rules:
- An entry takes the version before its own to its own. Versions have no gap; an entry that
  changes nothing is an entry.
- A change states the whole record and the whole name: no name is no name from now on.
- Entries are tied to the head that is held and to the new one by the chain before anything
  parses them, and the result is compared with the new head's chunk hashes.
- It is all or nothing: the table that was held is left as it was.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from typing import Final, NamedTuple

from shared import hashing
from shared.errors import Malformed, Refused, Untrusted
from shared.manifest import chunk, names, ticket
from shared.manifest.head import Head, chunk_digest, names_digest
from shared.manifest.table import Table
from shared.manifest.ticket import HASH_SIZE, SIZE, STATUS_OFFSET, STATUSES, TicketRecord

HEADER: Final = struct.Struct(">II")
MAX_CHANGES: Final = 1 << 20  # bytes of one entry's changes
MAX_LOG: Final = 1 << 23  # bytes of one answer: beyond it, a snapshot is cheaper
MAX_ENTRIES: Final = 1 << 12


class Change(NamedTuple):
    """A new or replaced record, and its sealed name, empty for none."""

    record: TicketRecord
    name: bytes = b""


class Entry(NamedTuple):
    """One step of the log. `changes` are bytes until the chain has vouched for them."""

    version: int
    changes: bytes


def entry(version: int, changes: Iterable[Change]) -> Entry:
    """Return the step that `changes`, of distinct tickets in any order, make."""
    rows = sorted(ticket.pack(record) + names.encode((name,)) for record, name in changes)
    packed = b"".join(rows)
    if len(packed) > MAX_CHANGES:
        raise ValueError(f"an entry has at most {MAX_CHANGES} bytes of changes")
    return Entry(version, packed)


def encode(entries: Iterable[Entry]) -> bytes:
    """Return a log's bytes."""
    return b"".join(HEADER.pack(each.version, len(each.changes)) + each.changes for each in entries)


def decode(log: bytes) -> list[Entry]:
    """Return the entries of a log. What they say is neither proved nor parsed."""
    if len(log) > MAX_LOG:
        raise Malformed("delta_too_large", MAX_LOG)
    entries: list[Entry] = []
    offset = 0
    while offset < len(log):
        if len(entries) == MAX_ENTRIES:
            raise Malformed("delta_too_long", offset)
        start = offset + HEADER.size
        if start > len(log):
            raise Malformed("delta_truncated", len(log))
        version, length = HEADER.unpack_from(log, offset)
        if length > MAX_CHANGES:
            raise Malformed("delta_entry_too_large", offset)
        offset = start + length
        if offset > len(log):
            raise Malformed("delta_truncated", len(log))
        entries.append(Entry(version, log[start:offset]))
    return entries


def changes(packed: bytes) -> Iterator[Change]:
    """Yield an entry's changes, or raise `Malformed` where they cease to make sense."""
    previous = b""
    offset = 0
    while offset < len(packed):
        row = packed[offset : offset + SIZE]
        if len(row) < SIZE:
            raise Malformed("delta_truncated", len(packed))
        if row[STATUS_OFFSET] not in STATUSES:
            raise Malformed("ticket_status", offset)
        record = ticket.unpack_from(row, 0)
        if record.ticket_hash <= previous:
            repeated = record.ticket_hash == previous
            raise Malformed("delta_repeated" if repeated else "delta_unsorted", offset)
        previous = record.ticket_hash
        name, offset = names.read(packed, offset + SIZE)
        yield Change(record, name)


def advance(table: Table, step: Entry) -> Table:
    """Return the table after one entry."""
    chunks, sealed = list(table.chunks), list(table.names)
    new: list[int] = []
    for place, group in groupby(changes(step.changes), lambda each: each.record.ticket_hash[0]):
        records = bytearray(chunks[place])
        blobs = bytearray(sealed[place]) if sealed else None
        new += [each.record.number for each in group if _put(records, blobs, each)]
        if len(records) > chunk.MAX_SIZE:
            raise Malformed("chunk_too_large", chunk.MAX_SIZE)
        chunks[place] = bytes(records)
        if blobs is not None:
            sealed[place] = bytes(blobs)
    if sorted(new) != list(range(table.tickets, table.tickets + len(new))):
        raise Refused("ticket_number_new")
    return Table(table.event, tuple(chunks), tuple(sealed))


def follow(table: Table, old: Head, entries: Sequence[Entry], new: Head) -> Table:
    """Return the table of the head `new`, which was accepted, from that of `old`."""
    _check_chain(old, entries, new)
    result = reduce(advance, entries, table)
    _check_result(table, old, result, new)
    return result


def touched(old: Head, entries: Sequence[Entry], new: Head) -> set[bytes]:
    """Return the id hashes of the tickets that a log changes, once the chain has vouched for it."""
    _check_chain(old, entries, new)
    return {each.record.ticket_hash for step in entries for each in changes(step.changes)}


def _put(records: bytearray, blobs: bytearray | None, change: Change) -> bool:
    """Put one change into a chunk; return whether its ticket is new."""
    record, name = change
    offset = chunk.position(records, record.ticket_hash)
    replaced = int(records[offset : offset + HASH_SIZE] == record.ticket_hash)  # rows: 0 or 1
    if replaced:
        ticket.check_successor(ticket.unpack_from(records, offset), record)
    records[offset : offset + replaced * SIZE] = ticket.pack(record)
    if blobs is not None:
        start = names.skip(blobs, offset // SIZE)
        end = names.skip(blobs, replaced, start)
        blobs[start:end] = names.encode((name,))
    return not replaced


def _check_chain(old: Head, entries: Sequence[Entry], new: Head) -> None:
    """Raise unless the entries lead from version to version, and from hash to hash."""
    event, value = bytes.fromhex(old.event), bytes.fromhex(old.delta)
    if entries and entries[0].version != old.version + 1:
        raise Refused("delta_start")
    for version, each in enumerate(entries, start=old.version + 1):
        if each.version != version:
            raise Refused("delta_gap")
        value = hashing.delta_hash(event, value, version, each.changes)
    if old.version + len(entries) != new.version:
        raise Refused("delta_end")
    if value != bytes.fromhex(new.delta):
        raise Untrusted("delta_chain")


def _check_result(before: Table, old: Head, after: Table, new: Head) -> None:
    """Raise unless `after` is what `new` signs. A chunk that is as it was has the hash it had."""
    chunks = list(old.chunks)
    for index, records in enumerate(after.chunks):
        if records is not before.chunks[index]:
            chunks[index] = chunk_digest(after.event, index, records)
    sealed = list(old.names) if after.names else list(new.names)
    for index, each in enumerate(after.names):
        if each is not before.names[index]:
            sealed[index] = names_digest(after.event, index, each)
    if (after.tickets, tuple(chunks), tuple(sealed)) != (new.tickets, new.chunks, new.names):
        raise Untrusted("delta_result")
