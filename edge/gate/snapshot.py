"""A snapshot's chunks as they come, in any order and as often as they like (spec/manifest.md §6).

Nothing is gathered in memory: each chunk is checked against the head alone and goes to the
disk, under the name that the head gives it. A download that breaks off, or a head that
replaces this one, so loses nothing that is still named.
"""

from typing import NamedTuple

from edge.store.documents import DocumentStore
from shared.errors import Malformed
from shared.manifest import names
from shared.manifest.assembly import Assembly
from shared.manifest.chunk import CHUNKS
from shared.manifest.head import Head
from shared.manifest.ticket import SIZE

MOST_NAME = 221  # bytes of one sealed name as it travels


class Lacking(NamedTuple):
    """What of a head's chunks is not on the disk."""

    raw: bytes
    head: Head
    records: frozenset[int]
    names: frozenset[int]

    @property
    def places(self) -> frozenset[int]:
        """The chunks to ask for: a chunk's names come behind its records."""
        return self.records | self.names

    @property
    def want(self) -> str:
        """Return `places` as 256 bits in hex, the first for chunk 0 (spec/sync.md §3)."""
        return f"{sum(1 << (CHUNKS - 1 - place) for place in self.places):064x}"

    @property
    def with_names(self) -> bool:
        """Whether the event has names."""
        return bool(self.head.names)

    def most(self) -> int:
        """Return how many bytes an answer can have."""
        each = SIZE + (MOST_NAME if self.with_names else 0)
        return self.head.tickets * each + 2 * CHUNKS * 5

    def check(self, place: int, records: bytes) -> bytes:
        """Return the digest of a chunk of records, or raise where it isn't the head's."""
        self._bare().add(place, records)
        return bytes.fromhex(self.head.chunks[place])

    def check_names(self, place: int, sealed: bytes, tickets: int) -> bytes:
        """Return the digest of a chunk's names, which are as many as its `tickets`."""
        self._bare().add_names(place, sealed)
        if sum(1 for _ in names.iterate(sealed)) != tickets:
            raise Malformed("names_count")
        return bytes.fromhex(self.head.names[place])

    def _bare(self) -> Assembly:
        empty = (None,) * CHUNKS
        return Assembly(self.raw, self.head, empty, empty if self.head.names else ())


def lacking_of(raw: bytes, head: Head, documents: DocumentStore) -> Lacking:
    """Return what is lacking of a head's chunks."""
    return Lacking(raw, head, _lacking(head.chunks, documents), _lacking(head.names, documents))


def _lacking(named: tuple[str, ...], documents: DocumentStore) -> frozenset[int]:
    wanted = {place: bytes.fromhex(each) for place, each in enumerate(named) if each}
    held = documents.held(wanted.values())
    return frozenset(place for place, digest in wanted.items() if digest not in held)
