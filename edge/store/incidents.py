"""What the cloud says a person must settle, as it last told this device (spec/sync.md §7).

Only a copy of the cloud's word: it decides nothing here, and may be fetched again at any time.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from edge.store.database import Database
from edge.store.documents import SET
from shared.wire import IncidentNote

MOST_KEPT: Final = 1000  # the newest: nobody at a gate settles more in an evening
UPTO: Final = "incidents"  # the setting: up to which number this device was told
NOTE: Final = msgspec.json.Decoder(IncidentNote)
PUT: Final = "INSERT OR REPLACE INTO incident (id, number, event, note) VALUES (?, ?, ?, ?)"
DROP: Final = "DELETE FROM incident WHERE id = ?"
DROP_EVENT: Final = "DELETE FROM incident WHERE event = ?"
TRIM: Final = """
    DELETE FROM incident WHERE number <=
        (SELECT number FROM incident ORDER BY number DESC LIMIT 1 OFFSET ?)
"""


class IncidentStore:
    """Notes by incident. Everything raises `StorageFailed` where the disk does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, notes: Sequence[IncidentNote], upto: int, *, anew: bool = False) -> None:
        """Keep notes, and that this device was told up to a number, all at once. Of an incident
        the later note counts; one that is resolved is let go of. `anew`: none before them hold."""
        rows = [
            (bytes.fromhex(note.incident), note.number, bytes.fromhex(note.event),
             msgspec.json.encode(note))
            for note in notes
        ]  # fmt: skip
        gone = [(row[0],) for row, note in zip(rows, notes, strict=True) if _is_over(note)]
        with self._database.writing() as connection:
            if anew:
                connection.execute("DELETE FROM incident")
            connection.executemany(PUT, rows)
            connection.executemany(DROP, gone)
            connection.execute(TRIM, (MOST_KEPT,))
            connection.execute(SET, (UPTO, upto.to_bytes(8, "big")))

    def newest(self) -> list[IncidentNote]:
        """Return what is kept, what changed last first."""
        with self._database.reading() as connection:
            query = "SELECT note FROM incident ORDER BY number DESC"
            rows = connection.execute(query).fetchall()
        notes: list[IncidentNote] = []
        for (raw,) in rows:
            with suppress(msgspec.DecodeError):  # as another version wrote it
                notes.append(NOTE.decode(raw))
        return notes

    def let_go(self, events: Collection[bytes]) -> None:
        """Forget what is about these events."""
        with self._database.writing() as connection:
            connection.executemany(DROP_EVENT, ((event,) for event in events))


def _is_over(note: IncidentNote) -> bool:
    return note.state == "resolved"
