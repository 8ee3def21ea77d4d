"""Signed documents in force, those on their way, and the chunks that their heads name.

Chunks come first, in small transactions and named by what they hold: they are in nobody's way
until `put` makes a head that names them the one in force, together with every other document
of the same delivery, in one short transaction. Then `sweep` drops what no head names.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from edge.store.database import Database

PUT: Final = "INSERT OR REPLACE INTO document (kind, event, raw) VALUES (?, ?, ?)"
DROP: Final = "DELETE FROM document WHERE kind = ? AND event = ?"
ADD_CHUNK: Final = "INSERT OR IGNORE INTO chunk (digest, content) VALUES (?, ?)"
DROP_CHUNK: Final = "DELETE FROM chunk WHERE digest = ?"
HAS_CHUNK: Final = "SELECT 1 FROM chunk WHERE digest = ?"
SET: Final = "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)"
CHUNKS_AT_ONCE: Final = 16  # about 2 MB of a million tickets: a scan never waits longer

Document = tuple[str, bytes]  # kind and event; no event for keyset and roster


class DocumentStore:
    """What the organizer said. Everything raises `StorageFailed` where the disk does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[Document, bytes]:
        """Return every document, as signed."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT kind, event, raw FROM document").fetchall()
        return {(kind, event): raw for kind, event, raw in rows}

    def chunk(self, digest: bytes) -> bytes | None:
        """Return what a head names by its digest."""
        with self._database.reading() as connection:
            query = "SELECT content FROM chunk WHERE digest = ?"
            row = connection.execute(query, (digest,)).fetchone()
        return row[0] if row else None

    def held(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those digests whose chunks are here."""
        with self._database.reading() as connection:
            return {each for each in digests if connection.execute(HAS_CHUNK, (each,)).fetchone()}

    def add_chunks(self, chunks: Mapping[bytes, bytes]) -> None:
        """Write chunks by digest, a few at a time."""
        rows = list(chunks.items())
        for start in range(0, len(rows), CHUNKS_AT_ONCE):
            with self._database.writing() as connection:
                connection.executemany(ADD_CHUNK, rows[start : start + CHUNKS_AT_ONCE])

    def put(
        self,
        documents: Mapping[Document, bytes],
        settings: Mapping[str, bytes],
        *,
        chunks: Mapping[bytes, bytes] | None = None,
        drop: Iterable[Document] = (),
        drop_chunks: Iterable[bytes] = (),
    ) -> None:
        """Put documents in force and let go of others, all at once, with the few chunks that
        changed."""
        with self._database.writing() as connection:
            connection.executemany(ADD_CHUNK, (chunks or {}).items())
            rows = ((kind, event, raw) for (kind, event), raw in documents.items())
            connection.executemany(PUT, rows)
            connection.executemany(SET, settings.items())
            connection.executemany(DROP, drop)
            connection.executemany(DROP_CHUNK, ((each,) for each in drop_chunks))

    def drop_chunk(self, digest: bytes) -> None:
        """Let go of a chunk whose bytes are not what its digest says any more."""
        with self._database.writing() as connection:
            connection.execute(DROP_CHUNK, (digest,))

    def sweep(self, named: Iterable[bytes]) -> int:
        """Drop the chunks that no head names; return how many those were."""
        keep = set(named)
        with self._database.reading() as connection:
            held = [digest for (digest,) in connection.execute("SELECT digest FROM chunk")]
        left = [(digest,) for digest in held if digest not in keep]
        for start in range(0, len(left), CHUNKS_AT_ONCE):
            with self._database.writing() as connection:
                connection.executemany(DROP_CHUNK, left[start : start + CHUNKS_AT_ONCE])
        return len(left)

    def written_by_others(self) -> int:
        """Return a number that changes once another process has written into the file."""
        with self._database.reading() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
        return int(version)
