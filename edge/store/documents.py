"""Signed documents in force, and the chunks that their heads name.

Chunks come first, in small transactions and named by what they hold: they are in nobody's way
until `put` makes a head that names them the one in force, together with every other document
of the same delivery, in one short transaction. Then `sweep` drops what no head names.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from edge.store.database import Database

PUT: Final = "INSERT OR REPLACE INTO document (kind, event, raw) VALUES (?, ?, ?)"
ADD_CHUNK: Final = "INSERT OR IGNORE INTO chunk (digest, content) VALUES (?, ?)"
SET: Final = "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)"
CHUNKS_AT_ONCE: Final = 16  # about 2 MB of a million tickets: a scan never waits longer

Document = tuple[str, bytes]  # kind and event; no event for keyset and roster


class DocumentStore:
    """What the organizer said. Everything raises `StorageFailed` where the disk does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[Document, bytes]:
        """Return every document in force, as signed."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT kind, event, raw FROM document").fetchall()
        return {(kind, event): raw for kind, event, raw in rows}

    def chunk(self, digest: bytes) -> bytes | None:
        """Return what a head names by its digest."""
        with self._database.reading() as connection:
            query = "SELECT content FROM chunk WHERE digest = ?"
            row = connection.execute(query, (digest,)).fetchone()
        return row[0] if row else None

    def add_chunks(self, chunks: Mapping[bytes, bytes]) -> None:
        """Write chunks by digest, a few at a time."""
        rows = list(chunks.items())
        for start in range(0, len(rows), CHUNKS_AT_ONCE):
            with self._database.writing() as connection:
                connection.executemany(ADD_CHUNK, rows[start : start + CHUNKS_AT_ONCE])

    def put(self, documents: Mapping[Document, bytes], settings: Mapping[str, bytes]) -> None:
        """Put documents in force, all at once."""
        with self._database.writing() as connection:
            rows = ((kind, event, raw) for (kind, event), raw in documents.items())
            connection.executemany(PUT, rows)
            connection.executemany(SET, settings.items())

    def sweep(self, named: Iterable[bytes]) -> int:
        """Drop the chunks that no head names; return how many those were."""
        keep = set(named)
        with self._database.reading() as connection:
            held = [digest for (digest,) in connection.execute("SELECT digest FROM chunk")]
        left = [(digest,) for digest in held if digest not in keep]
        for start in range(0, len(left), CHUNKS_AT_ONCE):
            with self._database.writing() as connection:
                rows = left[start : start + CHUNKS_AT_ONCE]
                connection.executemany("DELETE FROM chunk WHERE digest = ?", rows)
        return len(left)
