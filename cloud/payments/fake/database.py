"""The one file in which the fake keeps everything. Killed at any point, it goes on from there."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,   -- an event's type
    parent TEXT NOT NULL,  -- the intent that it belongs to
    body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, parent, seq);

CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY,
    request BLOB NOT NULL,  -- a hash of what was asked
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    made REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'lost', 'sent', 'given_up')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    status INTEGER  -- the last answer's; 0: there was none
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due, seq) WHERE state = 'pending';

CREATE TABLE IF NOT EXISTS fault (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    left INTEGER NOT NULL,
    seconds REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS setting (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
"""


class Database:
    """One connection. All work on it is done between two awaits, so nothing comes between."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # WAL without a sync outlives a killed process. A pulled plug is no concern of a fake.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self._connection.executescript(SCHEMA)

    def run(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Settings:
    """Named values that outlive the process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    _GET: Final = "SELECT value FROM setting WHERE name = ?"
    _PUT: Final = """
    INSERT INTO setting (name, value) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    """

    def text(self, name: str, default: str = "") -> str:
        """Return the value, or *default*."""
        rows = self._database.run(self._GET, name)
        return str(rows[0]["value"]) if rows else default

    def number(self, name: str, default: float = 0) -> float:
        """Return the value, or *default*."""
        rows = self._database.run(self._GET, name)
        return float(rows[0]["value"]) if rows else default

    def put(self, name: str, value: str | float) -> None:
        """Keep a value."""
        self._database.run(self._PUT, name, value)
