"""This device's own state beside its log: a few named values, and PINs' verifiers."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from edge.store.database import Database
from edge.store.documents import SET

PUT_PIN: Final = "INSERT OR REPLACE INTO pin (name, role, verifier) VALUES (?, ?, ?)"


class Pin(NamedTuple):
    """Who may open scanning by a PIN."""

    name: str
    role: str
    verifier: bytes  # Argon2id


class SettingStore:
    """Named values. Everything raises `StorageFailed` where the disk does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> bytes | None:
        """Return a value."""
        with self._database.reading() as connection:
            query = "SELECT value FROM setting WHERE name = ?"
            row = connection.execute(query, (name,)).fetchone()
        return row[0] if row else None

    def starting(self, prefix: str) -> dict[str, bytes]:
        """Return the values whose names begin with `prefix`, by the rest of the name."""
        with self._database.reading() as connection:
            query = "SELECT substr(name, ?), value FROM setting WHERE substr(name, 1, ?) = ?"
            size = len(prefix)
            return dict(connection.execute(query, (size + 1, size, prefix)).fetchall())

    def number(self, name: str) -> int:
        """Return a value that is a number, 0 where there is none."""
        return int.from_bytes(self.get(name) or b"", "big")

    def put(self, values: Mapping[str, bytes]) -> None:
        """Write values, all at once."""
        with self._database.writing() as connection:
            connection.executemany(SET, values.items())

    def put_number(self, name: str, value: int) -> None:
        """Write a number from 0 to 2^64 - 1."""
        self.put({name: value.to_bytes(8, "big")})

    def drop(self, name: str) -> None:
        """Forget a value."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM setting WHERE name = ?", (name,))

    def pins(self) -> list[Pin]:
        """Return every PIN's owner and verifier."""
        with self._database.reading() as connection:
            query = "SELECT name, role, verifier FROM pin ORDER BY name"
            return [Pin(*row) for row in connection.execute(query)]

    def put_pin(self, pin: Pin) -> None:
        """Add or replace somebody's PIN."""
        with self._database.writing() as connection:
            connection.execute(PUT_PIN, pin)

    def drop_pin(self, name: str) -> bool:
        """Take somebody's PIN away; return whether there was one."""
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM pin WHERE name = ?", (name,)).rowcount > 0
