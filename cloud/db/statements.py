"""A connection whose statements are parts of the trace that they run in.

Only where that is kept: anything else pays nothing for it, and what a worker asks all day for
itself makes no traces. SQL is literal, so its text has no values in it.
"""

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Final

import asyncpg
from opentelemetry.trace import get_current_span

from cloud.spans import NOTHING, asking

SYSTEM: Final = "postgresql"
BEGIN: Final = "BEGIN;"  # which waits for nothing: every trace would have one, and learn nothing


class TracedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """asyncpg's, with a span around each statement. A `prepare`d one has none, nor has BEGIN."""

    async def execute(self, query: str, *args: Any, **more: Any) -> Any:
        """Run a statement."""
        with _part(query):
            return await super().execute(query, *args, **more)

    async def executemany(self, command: str, args: Any, **more: Any) -> Any:
        """Run a statement for each of `args`."""
        with _part(command):
            return await super().executemany(command, args, **more)

    async def fetch(self, query: str, *args: Any, **more: Any) -> Any:
        """Return all rows."""
        with _part(query):
            return await super().fetch(query, *args, **more)

    async def fetchrow(self, query: str, *args: Any, **more: Any) -> Any:
        """Return the first row."""
        with _part(query):
            return await super().fetchrow(query, *args, **more)

    async def fetchval(self, query: str, *args: Any, **more: Any) -> Any:
        """Return a column of the first row."""
        with _part(query):
            return await super().fetchval(query, *args, **more)


def _part(query: str) -> AbstractContextManager[object]:
    if query == BEGIN or not get_current_span().is_recording():  # nor is a span to be described
        return NOTHING
    return asking(_operation(query), {"db.system": SYSTEM, "db.statement": query})


@lru_cache(1024)
def _operation(query: str) -> str:
    """Return a statement's first word."""
    return next(iter(query.split(None, 1)), "").rstrip(";")
