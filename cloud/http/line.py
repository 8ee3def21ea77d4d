"""A process's line to Redis or Valkey: made when it is first needed, and left alone while away.

Whoever asks has a way to go on without it (cloud/http/rate_limit.py, cloud/breakers), so nobody
waits long: one that failed is not asked again for some seconds.
"""

import asyncio
import time
from typing import Any, Final

import hiredis
from redis.asyncio import ConnectionPool

from cloud.http.counts import Wire, Word, dial

AWAY_FOR: Final = 5.0  # seconds that a Redis which failed is left alone


class Away(Exception):
    """Redis is away. The message says what it failed by: "" if that was said before."""


class Line:
    """One connection, for all who ask. `await line.close()` in the end."""

    def __init__(self, redis: ConnectionPool) -> None:
        """`redis` says where; the connection is the line's own."""
        self._redis = redis
        self._wire: Wire | None = None
        self._dialling = asyncio.Lock()
        self._away_until = 0.0

    async def ask(self, *words: Word) -> Any:
        """Send a command and return its reply, or raise `Away`."""
        if time.monotonic() < self._away_until:
            raise Away
        try:
            wire = self._wire
            if wire is None or not wire.is_open:
                wire = await self._connected()
            return await wire.ask(*words)
        except (OSError, hiredis.HiredisError) as error:  # a timeout is an OSError, too
            self._away_until = time.monotonic() + AWAY_FOR
            raise Away(type(error).__name__) from error

    async def close(self) -> None:
        """Hang up."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.hang_up()

    async def _connected(self) -> Wire:
        async with self._dialling:  # one for all who come meanwhile
            if self._wire is None or not self._wire.is_open:
                if time.monotonic() < self._away_until:  # who was before us in the queue knows
                    raise Away
                self._wire = await dial(self._redis)
            return self._wire
