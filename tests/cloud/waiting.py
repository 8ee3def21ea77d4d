"""What a service answers while somebody else's transaction is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from tests.cloud.service import Service

T = TypeVar("T")
WAITS = """
    SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database OR l.database IS NULL
     WHERE NOT l.granted AND d.datname = current_database()
"""


@asynccontextmanager
async def holding(service: Service) -> AsyncIterator[Any]:
    """A superuser's transaction, committed at the end."""
    conn = await asyncpg.connect(service.database.root_url)
    try:
        async with conn.transaction():
            yield conn
    finally:
        await conn.close()


async def blocked(conn: Any, ask: Callable[[], T]) -> "asyncio.Task[T]":
    """Begin a request, and return once it waits for the open transaction."""
    asking = asyncio.create_task(asyncio.to_thread(ask))
    while not await conn.fetchval(WAITS):
        assert not asking.done(), asking.result()
        await asyncio.sleep(0.02)
    return asking
