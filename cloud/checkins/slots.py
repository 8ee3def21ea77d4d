"""Which of the workers this process is: the lowest slot that no other process holds.

A slot is held by a session's advisory lock, on a connection of its own: with the process or the
connection it is free again. It only keeps processes apart. That none goes on with a log which
another has taken over is the database's to refuse (`log_head.closed`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, LiteralString, NamedTuple, Protocol

from cloud.db.connect import Connection
from cloud.errors import Refusal

LOCK: Final = 0x7573_6804  # "ush", of workers
SLOTS: Final = 4096
TAKE: Final[LiteralString] = "SELECT pg_try_advisory_lock($1, $2)"


class Session(Connection, Protocol):
    """A connection that can say whether it is still there."""

    def is_closed(self) -> bool:
        """Whether it was hung up, by whichever side."""


class Held(NamedTuple):
    """A slot, and how often this process has taken one: another number, another log."""

    slot: int
    taken: int


class Slots:
    """This process's slot."""

    def __init__(self, connect: Callable[[], Awaitable[Session]]) -> None:
        self._connect = connect
        self._session: Session | None = None
        self._held = Held(0, 0)
        self._taking = asyncio.Lock()

    async def hold(self) -> Held:
        """Return the slot; another one is taken if the connection is lost."""
        async with self._taking:
            if self._session is None or self._session.is_closed():
                await self._take()
            return self._held

    async def _take(self) -> None:
        session = await self._connect()
        try:
            slot = await _lowest(session)
        except BaseException:
            await session.close()
            raise
        self._session = session
        self._held = Held(slot, self._held.taken + 1)

    async def give_up(self, held: Held) -> None:
        """Let the slot go, if it is still that one."""
        if held == self._held:
            await self.close()

    async def close(self) -> None:
        """Let the slot go."""
        session, self._session = self._session, None
        if session is not None and not session.is_closed():
            await session.close()


async def _lowest(session: Session) -> int:
    for slot in range(SLOTS):
        if await session.fetchval(TAKE, LOCK, slot):
            return slot
    raise Refusal("busy")
