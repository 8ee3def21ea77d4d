"""A chunk: the ticket records whose hashes share a first byte (spec/manifest.md §2).

Rules:
- The bytes are the index: `find` bisects in them, and nothing is kept beside them. A million
  tickets take 29 MB.
- Records are strictly increasing by hash, so one set of records has one spelling.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import count
from typing import Final

from shared.errors import Malformed
from shared.manifest.ticket import HASH_SIZE, LAYOUT, SIZE, STATUSES, TicketRecord, unpack_from

CHUNKS: Final = 256
MAX_RECORDS: Final = 1 << 14
MAX_SIZE: Final = MAX_RECORDS * SIZE
MAX_TICKETS: Final = 1 << 21  # of an event: 61 MB of records


def check(index: int, records: bytes) -> None:
    """Raise `Malformed` unless `records` are chunk `index` of some manifest."""
    if len(records) > MAX_SIZE:
        raise Malformed("chunk_too_large", MAX_SIZE)
    if len(records) % SIZE:
        raise Malformed("chunk_length", len(records))
    previous = b""
    for offset, record in zip(count(0, SIZE), LAYOUT.iter_unpack(records), strict=False):
        ticket_hash = record[0]
        if ticket_hash <= previous:
            repeated = ticket_hash == previous
            raise Malformed("chunk_repeated" if repeated else "chunk_unsorted", offset)
        if ticket_hash[0] != index:
            raise Malformed("chunk_place", offset)
        if record[4] not in STATUSES:
            raise Malformed("ticket_status", offset)
        previous = ticket_hash


def position(records: bytes | bytearray, ticket_hash: bytes) -> int:
    """Return the offset of the first record that is not below `ticket_hash`."""
    rows = range(0, len(records), SIZE)

    def hash_at(row: int) -> bytes:
        return bytes(records[row : row + HASH_SIZE])

    return SIZE * bisect_left(rows, ticket_hash, key=hash_at)


def find(records: bytes, ticket_hash: bytes) -> TicketRecord | None:
    """Return the record of a ticket, if the chunk has it."""
    offset = position(records, ticket_hash)
    if records[offset : offset + HASH_SIZE] != ticket_hash:
        return None
    return unpack_from(records, offset)


def iterate(records: bytes) -> Iterator[TicketRecord]:
    """Yield the records, lowest hash first."""
    return (unpack_from(records, offset) for offset in range(0, len(records), SIZE))
