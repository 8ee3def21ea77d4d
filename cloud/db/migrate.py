"""Migrations: numbered .sql files, each applied once, in order, in a transaction of its own.

A file that was applied and has changed since is refused: what a database holds must be what
the files say. Two migrators wait for each other.
"""

from hashlib import sha256
from importlib import resources
from typing import Final, LiteralString, NamedTuple

from cloud.db.connect import Connection, connect
from cloud.errors import Refusal

LOCK: Final = 0x7573_6865_7201  # "usher", of migrations

TABLE: Final[LiteralString] = """
    CREATE TABLE IF NOT EXISTS migration (
        number integer PRIMARY KEY,
        name text NOT NULL,
        digest bytea NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    GRANT SELECT ON migration TO usher_app;
"""
APPLIED: Final[LiteralString] = "SELECT number, digest FROM migration ORDER BY number"
RECORD: Final[LiteralString] = "INSERT INTO migration (number, name, digest) VALUES ($1, $2, $3)"
NEWEST: Final[LiteralString] = "SELECT max(number) FROM migration"


class Migration(NamedTuple):
    """One file: `0003_events.sql` is number 3."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> bytes:
        """What tells whether the file has changed."""
        return sha256(self.sql.encode()).digest()


def migrations() -> list[Migration]:
    """Return all files, in order."""
    folder = resources.files("cloud.db") / "migrations"
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return [Migration(int(file.name[:4]), file.name[:-4], file.read_text()) for file in files]


async def migrate(url: str) -> list[str]:
    """Apply what is missing, as the role that owns the tables. Returns the names applied."""
    conn = await connect(url)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK)
        await conn.execute(TABLE)
        held = {row["number"]: row["digest"] for row in await conn.fetch(APPLIED)}
        pending = _pending(migrations(), held)
        for migration in pending:
            await _apply(conn, migration)
        return [migration.name for migration in pending]
    finally:
        await conn.close()  # which gives the lock back


async def is_current(conn: Connection) -> bool:
    """Whether the database holds the newest migration of this build."""
    return bool(await conn.fetchval(NEWEST) == migrations()[-1].number)


def _pending(files: list[Migration], held: dict[int, bytes]) -> list[Migration]:
    for file in files:
        if held.get(file.number, file.digest) != file.digest:
            raise Refusal("migration_changed", migration=file.name)
    if unknown := held.keys() - {file.number for file in files}:
        raise Refusal("migration_newer", migration=max(unknown))
    return [file for file in files if file.number not in held]


async def _apply(conn: Connection, migration: Migration) -> None:
    async with conn.transaction():
        await conn.execute(migration.sql)
        await conn.execute(RECORD, migration.number, migration.name, migration.digest)
