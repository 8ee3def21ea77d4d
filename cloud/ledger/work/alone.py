"""One writer for an event's trees, of all workers: an advisory lock on a connection of its own.

The lock lasts as long as the connection. Should it be lost unnoticed, the claims of tickets
(asset_rows.py) still let none be signed for twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import connect, hang_up

SPACE: Final = 0x6C656467  # "ledg": the first of the lock's two numbers
TRY: Final[LiteralString] = "SELECT pg_try_advisory_lock($1, hashtext($2))"
ALIVE: Final[LiteralString] = "SELECT true"
Held = Callable[[], Awaitable[None]]  # raises where the connection, and so the lock, is lost


@asynccontextmanager
async def alone(url: str, event_id: UUID) -> AsyncIterator[Held | None]:
    """Hold an event's lock; None: another has it."""
    conn = await connect(url)

    async def held() -> None:
        await conn.fetchval(ALIVE)

    try:
        yield held if await conn.fetchval(TRY, SPACE, str(event_id)) else None
    finally:
        await hang_up(conn)
