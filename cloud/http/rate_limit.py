"""Counts of requests, atomic over all workers, on Redis or Valkey.

If Redis is away the counts go on in this process's memory: a gate that asks is answered, and
the limit is only looser by the number of workers.
"""

import time
from typing import Final

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from cloud.http.line import Away, Line
from cloud.spans import asking

LOG = structlog.get_logger("usher.http")
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

    def __init__(self, line: Line) -> None:
        self._line = line
        self._own = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Count one more in `bucket`; return how many seconds to wait, 0 for none."""
        try:
            with asking("redis count", {}):
                words = ("EVAL", HIT, 1, f"usher:{bucket}", per_minute)
                return max(0, int(await self._line.ask(*words)))
        except Away as away:
            if away.args:
                LOG.warning("rate_limit_alone", fault=away.args[0])
            return await self._alone(bucket, per_minute)

    async def _alone(self, bucket: str, per_minute: int) -> int:
        item = RateLimitItemPerMinute(per_minute)
        if await self._own.hit(item, bucket):
            return 0
        stats = await self._own.get_window_stats(item, bucket)
        return max(1, int(stats.reset_time - time.time()) + 1)
