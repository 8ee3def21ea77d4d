"""The pool of connections to PostgreSQL, and the part of asyncpg's interface that we use."""

import asyncio
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, LiteralString, Protocol

import asyncpg
import msgspec

from cloud.db.hosts import each_host, first_that_fits
from cloud.db.statements import TracedConnection

# A query that takes longer is a fault of ours; a lock that takes longer is somebody's crash.
SETTINGS: Final = {
    "application_name": "usher",
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    # A service asks the same few hundred questions all evening: each connection plans one once.
    # Left to choose, the server planned most of them anew at each call, longer than it answered.
    "plan_cache_mode": "force_generic_plan",
}

CONNECTING: Final = 10.0  # seconds, with the name's look-up
# Seconds for a call's answer: beyond what the server allows a statement, for one call may run
# several. What it catches is a server, or a way to it, that says nothing any more.
ANSWERING: Final = 45.0
LENT: Final = 30.0  # seconds that a worker waits for a connection of its pool
CLOSING: Final = 5.0  # seconds

Row = Mapping[str, Any]


class Transaction(Protocol):
    """A transaction, or a savepoint: begun and ended by `async with`, or by hand."""

    async def start(self) -> None:
        """Begin it."""

    async def commit(self) -> None:
        """Keep what it did."""

    async def rollback(self) -> None:
        """Undo what it did."""

    async def __aenter__(self) -> None:
        """Begin it."""

    async def __aexit__(self, *raised: object) -> None:
        """Commit it, or roll it back where something was raised."""


class Lending(Protocol):
    """A connection that a pool lends: for a block, or until it is released."""

    def __await__(self) -> Generator[Any, None, "Connection"]:
        """Return the connection."""

    async def __aenter__(self) -> "Connection":
        """Return the connection."""

    async def __aexit__(self, *raised: object) -> None:
        """Give it back."""


class Connection(Protocol):
    """A connection (asyncpg ships no types). SQL is literal: what varies is an argument."""

    async def execute(self, query: LiteralString, *args: object) -> str:
        """Run a statement and return its tag, "UPDATE 3"."""

    async def executemany(self, query: LiteralString, args: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each of `args`, in one round trip."""

    async def fetch(self, query: LiteralString, *args: object) -> list[Row]:
        """Return all rows."""

    async def fetchrow(self, query: LiteralString, *args: object) -> Row | None:
        """Return the first row."""

    async def fetchval(self, query: LiteralString, *args: object) -> Any:
        """Return the first column of the first row."""

    def transaction(self) -> Transaction:
        """Return a transaction, or a savepoint inside one."""

    async def close(self) -> None:
        """Hang up."""


class Pool(Protocol):
    """A pool of connections."""

    def acquire(self, *, timeout: float | None = None) -> Lending:
        """Lend a connection; `TimeoutError` after `timeout` seconds without one."""

    async def release(self, connection: Connection) -> None:
        """Take back one that was lent until now."""

    def get_idle_size(self) -> int:
        """Return how many connections are open and lent to nobody."""

    async def close(self) -> None:
        """Close all, once they are given back."""


async def connect(url: str) -> Connection:
    """Return a connection of its own, outside any pool."""
    conn: Connection = await _dial(
        url,
        timeout=CONNECTING,
        command_timeout=ANSWERING,
        server_settings=SETTINGS,
        connection_class=TracedConnection,
    )
    return conn


async def hang_up(conn: Connection) -> None:
    """Close a connection of its own, or leave it to the server to find out that nobody is there."""
    with suppress(Exception):
        async with asyncio.timeout(CLOSING):
            await conn.close()


def new_pool(url: str, *, size: int = 8) -> Pool:
    """Return a pool of up to `size` connections, to be opened by `open_up` in the same loop.

    JSON columns are Python values.
    """
    pool: Pool = asyncpg.create_pool(
        url,
        connect=_dial,
        min_size=1,
        max_size=size,
        init=_prepare,
        reset=_nothing,
        timeout=CONNECTING,
        command_timeout=ANSWERING,
        server_settings=SETTINGS,
        connection_class=TracedConnection,
    )
    return pool


async def open_up(pool: Any) -> None:
    """Open a new pool: from here on it lends connections."""
    await pool


async def open_pool(url: str, *, size: int = 8) -> Pool:
    """Return an open pool."""
    pool = new_pool(url, size=size)
    await open_up(pool)
    return pool


async def _dial(url: str, **settings: Any) -> Any:
    hosts = each_host(url)
    if len(hosts) == 1:
        return await asyncpg.connect(url, **settings)
    return await first_that_fits(hosts, lambda each: asyncpg.connect(each, **settings))


async def _prepare(conn: Any) -> None:
    for name in ("json", "jsonb"):
        await conn.set_type_codec(
            name,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


async def _nothing(conn: Connection) -> None:
    """Reset nothing: a transaction's settings end with it, and that saves a round trip."""
