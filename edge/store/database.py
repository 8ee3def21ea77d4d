"""The gate's one SQLite file: opened, checked, and healed where it can be.

WAL with synchronous=FULL: what COMMIT returned for is on the disk, and readers never wait for
the writer. A torn end of the WAL is dropped by its checksums, so that the file is as it was
after some commit. What a lost WAL takes with it comes back from the mirror
(`edge.store.mirror`); a damaged file is set aside, and all that is readable is copied out.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from edge.store.schema import NewerSchema, migrate

PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 400",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 1000",  # a backstop: the agent checkpoints when nobody scans
    "PRAGMA cache_size = -8000",
    "PRAGMA trusted_schema = OFF",
)
PAGE: Final = 4096  # SQLite's own default
_PAGES: Final = slice(28, 32)  # of the first page: how many there are
WAL_SIZE: Final = 4 << 20  # as many bytes as the pages of `wal_autocheckpoint`
TABLES: Final = ("record", "blob", "receipt", "document", "chunk", "setting", "pin", "counted",
                 "incident")  # fmt: skip


class StorageFailed(Exception):
    """The disk is full, read-only or broken: nothing was written."""


class Database:
    """A connection that several threads share, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._connection = _connect(path)
        self._file = path.stat().st_ino

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
                self._check_file()
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._undo()
                if isinstance(error, sqlite3.Error):
                    raise StorageFailed(str(error)) from error
                raise

    def checkpoint(self) -> None:
        """Move the WAL into the file, so that its loss would cost nothing. For quiet moments.

        It waits for nobody; the WAL keeps its size, and is written from its start again once no
        reader is in it.
        """
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def make_room(self, size: int = WAL_SIZE) -> None:
        """Give the WAL its size in bytes now: a commit that makes a file longer syncs its
        metadata as well, which takes half as long again."""
        with self.writing() as connection:
            connection.execute("INSERT INTO chunk VALUES (x'', zeroblob(?))", (size,))
            connection.execute("DELETE FROM chunk WHERE digest = x''")
        self.checkpoint()

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

    def _check_file(self) -> None:
        """Refuse to write into a file that nobody will find: deleted, wiped or replaced."""
        try:
            found = self.path.stat().st_ino
        except OSError as error:
            raise StorageFailed(f"{self.path.name}: {error.strerror}") from error
        if found != self._file:
            raise StorageFailed(f"{self.path.name} was replaced by another file")

    def _undo(self) -> None:
        with suppress(sqlite3.Error):  # the error that brought us here is the one to tell
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def open_database(path: Path) -> Database:
    """Open the file as it is, beside the agent: a damaged one is for the agent to heal."""
    try:
        return Database(path)
    except sqlite3.DatabaseError as error:
        raise StorageFailed(str(error)) from error


def heal_database(path: Path) -> tuple[Database, tuple[str, ...]]:
    """Open the gate's file, healed if need be; return what was found wrong with it.

    For the one process that holds the folder: healing gives the file's name to another file.
    """
    if (healed := _healing(path)).exists() and not path.exists():
        healed.rename(path)  # cut off between the last two steps of healing
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
    try:  # here, so that nobody else can read it or the WAL, which takes its rights over
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageFailed(f"{path.name}: {error.strerror}") from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        migrate(connection)
    except (sqlite3.Error, NewerSchema):
        connection.close()
        raise
    return connection


def _damaged(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _salvaged(path: Path) -> Database:
    """Copy what is readable in a damaged file into a new one, and set the damaged one aside.

    The new file takes the name last: cut off at any step, the next start does the rest.
    """
    fresh = _healing(path)
    for part in _parts(fresh):
        part.unlink(missing_ok=True)
    database = Database(fresh)
    try:
        database.checkpoint()
        with closing(_readable(path, fresh)) as source:
            for table in TABLES:
                _copy(source, database, table)
        database.checkpoint()
    finally:
        database.close()
    aside = path.with_name(f"{path.name}.damaged-{_next_number(path)}")
    for part, name in zip(_parts(path), _parts(aside), strict=True):
        if part.exists():
            part.rename(name)
    fresh.rename(path)
    return Database(path)


def _readable(path: Path, fresh: Path) -> sqlite3.Connection:
    """Open a damaged file. Where its first page is gone it takes that of a new file: the same
    steps made both, so their tables begin at the same pages."""
    source = sqlite3.connect(path)
    try:
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError:
        source.close()
        with fresh.open("rb") as new, path.open("r+b") as old:
            page = bytearray(new.read(PAGE))
            page[_PAGES] = bytes(4)  # not known: as many as the file has
            old.write(page)
        return sqlite3.connect(path)
    return source


def _copy(source: sqlite3.Connection, database: Database, table: str) -> None:
    """Copy a table's rows from both ends, up to what can't be read. What is lost then comes
    back from the mirror and by a load."""
    for order in ("ASC", "DESC"):
        try:
            rows = source.execute(f"SELECT * FROM {table} ORDER BY rowid {order}")  # noqa: S608
        except sqlite3.DatabaseError:
            continue
        if _copied(rows, database, table):
            return


def _copied(rows: sqlite3.Cursor, database: Database, table: str) -> bool:
    """Copy rows until one can't be read; return whether all were."""
    marks = ", ".join("?" * len(rows.description))
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"  # noqa: S608  a name from TABLES
    with database.writing() as connection:
        while True:
            try:
                row = rows.fetchone()
            except sqlite3.DatabaseError:
                return False
            if row is None:
                return True
            with suppress(sqlite3.IntegrityError):  # rubbish that can be read
                connection.execute(insert, row)


def _healing(path: Path) -> Path:
    return path.with_name(f"{path.name}.healing")


def _parts(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", "")]


def _next_number(path: Path) -> int:
    return 1 + len([*path.parent.glob(f"{path.name}.damaged-*[0-9]")])
