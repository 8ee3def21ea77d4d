"""A manifest on its way in, chunk by chunk (spec/manifest.md §6).

Rules:
- The head comes first; each chunk is hashed before anything reads it.
- What an older table already holds under the same hash is taken over, not fetched again.
- There is no table before it is whole, and the one in force stays until then.

    assembly = manifest.preload(raw_head, trusted, now)
    for index in assembly.missing:
        assembly = assembly.add(index, fetch(index))
"""

from typing import NamedTuple, TypeAlias

from shared.errors import Malformed, Refused, Untrusted
from shared.manifest import chunk, names
from shared.manifest.chunk import CHUNKS
from shared.manifest.head import Head, chunk_digest, names_digest
from shared.manifest.table import Table, check_numbers
from shared.manifest.ticket import SIZE

Slots: TypeAlias = tuple[bytes | None, ...]


class Assembly(NamedTuple):
    """A head that was accepted, and what is here of its 256 chunks."""

    raw: bytes  # the head as signed
    head: Head
    chunks: Slots
    names: Slots  # empty where names are not wanted, or the event has none

    @property
    def missing(self) -> list[int]:
        """The chunks of records that are still to come."""
        return _missing(self.chunks)

    @property
    def missing_names(self) -> list[int]:
        """The chunks of names that are still to come."""
        return _missing(self.names)

    @property
    def event(self) -> bytes:
        """The event's 8-byte reference."""
        return bytes.fromhex(self.head.event)

    def add(self, index: int, records: bytes) -> "Assembly":
        """Take in one chunk of records."""
        if len(records) > chunk.MAX_SIZE:
            raise Malformed("chunk_too_large", chunk.MAX_SIZE)
        if chunk_digest(self.event, index, records) != self.head.chunks[index]:
            raise Untrusted("chunk_hash")
        chunk.check(index, records)
        return self._replace(chunks=_put(self.chunks, index, records))

    def add_names(self, index: int, sealed: bytes) -> "Assembly":
        """Take in one chunk of names."""
        if not self.names:
            raise Refused("names_unwanted")
        if len(sealed) > names.MAX_SIZE:
            raise Malformed("names_too_large", names.MAX_SIZE)
        if names_digest(self.event, index, sealed) != self.head.names[index]:
            raise Untrusted("names_hash")
        return self._replace(names=_put(self.names, index, sealed))

    def table(self) -> Table:
        """Return the whole table."""
        chunks = tuple(each for each in self.chunks if each is not None)
        sealed = tuple(each for each in self.names if each is not None)
        if len(chunks) < len(self.chunks) or len(sealed) < len(self.names):
            raise Refused("manifest_incomplete")
        check_numbers(chunks, self.head.tickets)
        for records, each in zip(chunks, sealed, strict=False):
            if sum(1 for _ in names.iterate(each)) * SIZE != len(records):
                raise Malformed("names_count")
        return Table(self.event, chunks, sealed)


def begin(raw: bytes, head: Head, old: Table, *, with_names: bool) -> Assembly:
    """Begin with what `old`, a table of the same event, has in common with an accepted head, and
    with the chunks that are empty by it: those nobody sends."""
    chunks = tuple(
        _known(chunk_digest(old.event, index, each), head.chunks[index], each)
        for index, each in enumerate(old.chunks)
    )
    sealed: Slots = ()
    if with_names and head.names:
        sealed = tuple(
            _known(names_digest(old.event, index, each), head.names[index], each)
            for index, each in enumerate(old.names or (b"",) * CHUNKS)
        )
    return Assembly(raw, head, chunks, sealed)


def _known(digest: str, wanted: str, content: bytes) -> bytes | None:
    if not wanted:
        return b""
    return content if digest == wanted else None


def _missing(slots: Slots) -> list[int]:
    return [index for index, each in enumerate(slots) if each is None]


def _put(slots: Slots, index: int, data: bytes) -> Slots:
    return (*slots[:index], data, *slots[index + 1 :])
