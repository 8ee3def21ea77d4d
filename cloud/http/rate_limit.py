"""Counts of requests, atomic over all workers, on Redis or Valkey.

If Redis is away the counts go on in this process's memory: a gate that asks is answered, and
the limit is only looser by the number of workers.
"""

import asyncio
import time
from typing import Final

import hiredis
import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from opentelemetry.trace import SpanKind
from redis.asyncio import ConnectionPool

from cloud.http.counts import Wire, dial
from cloud.spans import TRACER

LOG = structlog.get_logger("usher.http")
AWAY_FOR: Final = 5.0  # seconds that a Redis which failed is left alone
# A window of a minute begins with its first request, and ends with the key. Returns how many
# seconds to wait.
HIT: Final = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], 60) end
if count <= tonumber(ARGV[1]) then return 0 end
return redis.call('TTL', KEYS[1]) + 1
"""


class RateLimiter:
    """Fixed windows of a minute: one atomic command a request."""

    def __init__(self, redis: ConnectionPool) -> None:
        """`redis` says where; the connection is the limiter's own, until `close`."""
        self._redis = redis
        self._wire: Wire | None = None
        self._dialling = asyncio.Lock()
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Count one more in `bucket`; return how many seconds to wait, 0 for none."""
        if time.monotonic() >= self._away_until:
            try:
                wire = self._wire
                if wire is None or not wire.is_open:
                    wire = await self._connected()
                with TRACER.start_as_current_span("redis count", kind=SpanKind.CLIENT):
                    words = ("EVAL", HIT, 1, f"usher:{bucket}", per_minute)
                    return max(0, int(await wire.ask(*words)))
            except (OSError, hiredis.HiredisError) as error:  # a timeout is an OSError, too
                LOG.warning("rate_limit_alone", fault=type(error).__name__)
                self._away_until = time.monotonic() + AWAY_FOR
        return await self._alone(bucket, per_minute)

    async def close(self) -> None:
        """Hang up."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.hang_up()

    async def _connected(self) -> Wire:
        async with self._dialling:  # one for all who come meanwhile
            if self._wire is None or not self._wire.is_open:
                self._wire = await dial(self._redis)
            return self._wire

    async def _alone(self, bucket: str, per_minute: int) -> int:
        item = RateLimitItemPerMinute(per_minute)
        if await self._own.hit(item, bucket):
            return 0
        stats = await self._own.get_window_stats(item, bucket)
        return max(1, int(stats.reset_time - time.time()) + 1)
