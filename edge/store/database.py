"""The gate's one SQLite file: opened, checked, and healed where it can be.

WAL with synchronous=FULL: what COMMIT returned for is on the disk, and readers never wait for
the writer. A torn end of the WAL is dropped by its checksums, so that the file is as it was
after some commit. What a lost WAL takes with it comes back from the mirror
(`edge.store.mirror`); a damaged file is set aside, and all that is readable is copied out.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from edge.store.schema import NewerSchema, migrate

PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 2000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 4000",  # a backstop: the agent checkpoints when nobody scans
    "PRAGMA cache_size = -8000",
    "PRAGMA trusted_schema = OFF",
)
TABLES: Final = ("record", "blob", "receipt", "document", "chunk", "setting", "pin", "counted")


class StorageFailed(Exception):
    """The disk is full, read-only or broken: nothing was written."""


class Database:
    """A connection that several threads share, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._connection = _connect(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for queries."""
        with self.lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StorageFailed(str(error)) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside one transaction: durable when this returns, or not at all."""
        with self.lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._undo()
                if isinstance(error, sqlite3.Error):
                    raise StorageFailed(str(error)) from error
                raise

    def checkpoint(self) -> None:
        """Move the WAL into the file, so that its loss would cost nothing. For quiet moments."""
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong with the file."""
        try:
            with self.reading() as connection:
                rows = connection.execute("PRAGMA quick_check(10)").fetchall()
        except StorageFailed as error:
            return [str(error)]
        return [row[0] for row in rows if row[0] != "ok"]

    def close(self) -> None:
        """Close the file; the WAL goes into it first where that is possible."""
        with self.lock:
            self._connection.close()

    def _undo(self) -> None:
        with suppress(sqlite3.Error):  # the error that brought us here is the one to tell
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def open_database(path: Path) -> tuple[Database, tuple[str, ...]]:
    """Open the gate's file, healed if need be; return what was found wrong with it."""
    try:
        database = Database(path)
    except sqlite3.DatabaseError as error:
        if not _damaged(error):
            raise StorageFailed(str(error)) from error
        return _salvaged(path), (str(error),)
    if faults := tuple(database.faults()):
        database.close()
        return _salvaged(path), faults
    return database, ()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        migrate(connection)
    except (sqlite3.Error, NewerSchema):
        connection.close()
        raise
    path.chmod(0o600)
    return connection


def _damaged(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _salvaged(path: Path) -> Database:
    """Set a damaged file aside and return a new one with all that is readable in it."""
    aside = path.with_name(f"{path.name}.damaged-{_next_number(path)}")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    database = Database(path)
    for table in TABLES:
        with suppress(sqlite3.Error):  # what can't be read is lost; the mirror and a load mend it
            _copy(aside, database, table)
    return database


def _copy(aside: Path, database: Database, table: str) -> None:
    """Copy rows until one can't be read."""
    source = sqlite3.connect(aside)
    try:
        rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608  a name from TABLES
        with database.writing() as connection, suppress(sqlite3.DatabaseError):
            for row in rows:
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608
    finally:
        source.close()


def _next_number(path: Path) -> int:
    return 1 + len([*path.parent.glob(f"{path.name}.damaged-*[0-9]")])
