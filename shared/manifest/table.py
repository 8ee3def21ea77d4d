"""The tickets of one event at one version: 256 chunks, and their names where they are held.

A table never changes. It is made by `build`, `assembly` and `delta`, which check what they
put into it.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from shared.errors import Malformed, Refused
from shared.manifest import chunk, names, ticket
from shared.manifest.chunk import CHUNKS
from shared.manifest.ticket import SIZE, TicketRecord

_NUMBER: Final = struct.Struct(">16xI9x")


class Table(NamedTuple):
    """Ticket records by the first byte of their hash, and sealed names in the same order."""

    event: bytes  # 8
    chunks: tuple[bytes, ...] = (b"",) * CHUNKS
    names: tuple[bytes, ...] = ()  # 256, or none where names are not held

    @property
    def tickets(self) -> int:
        """How many records there are; the number of the next new one."""
        return sum(map(len, self.chunks)) // SIZE

    def find(self, ticket_hash: bytes) -> TicketRecord | None:
        """Return the record of a ticket."""
        return chunk.find(self.chunks[ticket_hash[0]], ticket_hash)

    def name(self, ticket_hash: bytes) -> bytes:
        """Return the sealed name of a ticket, empty if there is none."""
        if not self.names or self.find(ticket_hash) is None:
            return b""
        place = ticket_hash[0]
        row = chunk.position(self.chunks[place], ticket_hash) // SIZE
        sealed = self.names[place]
        return names.read(sealed, names.skip(sealed, row))[0]

    def records(self) -> Iterator[TicketRecord]:
        """Yield all records, lowest hash first."""
        return chain.from_iterable(map(chunk.iterate, self.chunks))


def check_successor(old: Table, new: Table) -> None:
    """Raise `Refused` unless every ticket of `old` goes on in `new`."""
    for before, after in zip(old.chunks, new.chunks, strict=True):
        if before == after:
            continue
        for row in sorted(_rows(before) - _rows(after)):
            record = ticket.unpack_from(row, 0)
            successor = chunk.find(after, record.ticket_hash)
            if successor is None:
                raise Refused("ticket_removed")
            ticket.check_successor(record, successor)


def check_numbers(chunks: Sequence[bytes], tickets: int) -> None:
    """Raise `Malformed` unless the records bear the numbers 0 to `tickets` - 1, each once."""
    if sum(map(len, chunks)) != tickets * SIZE:
        raise Malformed("table_count")
    seen = bytearray(tickets)
    for records in chunks:
        for (number,) in _NUMBER.iter_unpack(records):
            if number >= tickets:
                raise Malformed("table_number")
            if seen[number]:
                raise Malformed("table_number_repeated")
            seen[number] = 1


def _rows(records: bytes) -> set[bytes]:
    return {records[offset : offset + SIZE] for offset in range(0, len(records), SIZE)}
