"""Password hashing beside the event loop, a bounded number at once.

A hash takes 32 MiB and some 50 ms of a core: unbounded, sign-ins would be the way to take the
service down. Whoever finds no slot in time is told to come back.

A slot is taken before the request's connection, so that a crowd that waits for slots holds
none of the pool.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cloud.accounts import passwords
from cloud.accounts.passwords import COST, Checked, Cost
from cloud.errors import Refusal

AT_ONCE: Final = 2  # in a process
PATIENCE: Final = 5.0  # seconds


class Hashing:
    """Hashes and checks passwords, for whoever holds a slot."""

    def __init__(
        self, cost: Cost = COST, *, at_once: int = AT_ONCE, patience: float = PATIENCE
    ) -> None:
        self._cost = cost
        self._patience = patience
        self._slots = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the slots; refuse `busy` if none is free in time."""
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            raise Refusal("busy") from None
        try:
            yield
        finally:
            self._slots.release()

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        return await asyncio.to_thread(passwords.hash_password, password, self._cost)

    async def check(self, password: str, stored: str | None) -> Checked:
        """Check a password; where nothing is stored it costs the same."""
        return await asyncio.to_thread(passwords.check, password, stored, self._cost)
