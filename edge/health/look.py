"""A gate's folder, opened only to be read, beside an agent that runs or without one.

A connection of its own: nobody waits for it, and it never takes the device's lock. Whatever
is read through it is read in short pieces, because a checkpoint waits for readers. Where no
agent runs, SQLite may leave an empty `-wal` and a `-shm` behind; the next start takes them up.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.store.database import Database, StorageFailed
from edge.store.documents import DocumentStore
from edge.store.incidents import IncidentStore
from edge.store.log import LogStore
from edge.store.mirror import Mirror
from edge.store.schema import VERSION, NewerSchema
from edge.store.settings import SettingStore
from edge.store.stores import DATABASE, MIRROR, Stores

PRAGMAS: Final = (
    "PRAGMA query_only = ON",
    "PRAGMA busy_timeout = 2000",
    "PRAGMA trusted_schema = OFF",
)


class ReadOnly(Database):
    """The gate's file, which this connection can't change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False
        )


class Unopened(Mirror):
    """The mirror as others wrote it: it can be read, and nothing is appended."""

    def _open(self) -> None:
        """Leave the file alone."""


@contextmanager
def looking(folder: Path) -> Iterator[Stores]:
    """Give a folder's stores to read. Raises `StorageFailed` and `NewerSchema`."""
    try:
        database = ReadOnly(folder / DATABASE)
    except sqlite3.Error as error:
        raise StorageFailed(str(error)) from error
    try:
        _prepare(database)
        mirror = Unopened(folder / MIRROR)
        log = LogStore(database, mirror)
        documents, settings = DocumentStore(database), SettingStore(database)
        yield Stores(database, mirror, log, documents, settings, IncidentStore(database), ())
    finally:
        database.close()


def _prepare(database: Database) -> None:
    with database.reading() as connection:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerSchema(f"the file has version {version}, this software {VERSION}")
