"""Counts of requests, atomic over all workers, by `limits` on Redis or Valkey.

If Redis is away the counts go on in this process's memory: a gate that asks is answered, and
the limit is only looser by the number of workers.
"""

import time
from typing import Any, Final

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

LOG = structlog.get_logger("usher.http")
AWAY_FOR: Final = 5.0  # seconds that a Redis which failed is left alone


class RateLimiter:
    """Fixed windows of a minute: one atomic command a request."""

    def __init__(self, redis: ConnectionPool) -> None:
        """`redis` stays the caller's to close."""
        lent: dict[str, Any] = {"connection_pool": redis}
        shared: Any = RedisStorage("async+redis://", implementation="redispy", **lent)
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Count one more in `bucket`; return how many seconds to wait, 0 for none."""
        item = RateLimitItemPerMinute(per_minute)
        if time.monotonic() >= self._away_until:
            try:
                return await _wait(self._shared, item, bucket)
            except (RedisError, OSError) as error:
                LOG.warning("rate_limit_alone", fault=type(error).__name__)
                self._away_until = time.monotonic() + AWAY_FOR
        return await _wait(self._own, item, bucket)


async def _wait(limiter: Any, item: RateLimitItemPerMinute, bucket: str) -> int:
    if await limiter.hit(item, bucket):
        return 0
    stats = await limiter.get_window_stats(item, bucket)
    return max(1, int(stats.reset_time - time.time()) + 1)
