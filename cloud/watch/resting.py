"""Open circuit breakers for Prometheus, asked of Redis at each scrape."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis import Redis, RedisError

from cloud.watch.breakers import by_kind, listing

LOG = structlog.get_logger("usher.figures")
WAIT: Final = 2.0  # seconds


class Resting(Collector):
    """Asked in the exporter's thread."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(redis_url, socket_timeout=WAIT, socket_connect_timeout=WAIT)

    def describe(self) -> Iterable[Metric]:
        """Name no metric: registering must not ask Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield how many are open; where Redis is away, that it is."""
        well = True
        family = GaugeMetricFamily(
            "usher_breakers_open", "Others that are left alone, for they failed.", labels=["kind"]
        )
        try:
            names = self._redis.execute_command(  # type: ignore[no-untyped-call]
                *listing(time.time())
            )
            for kind, several in by_kind(name.decode() for name in names).items():
                family.add_metric([kind], several)
        except (RedisError, OSError) as error:
            LOG.warning("breakers_unknown", fault=type(error).__name__)
            well = False
        yield GaugeMetricFamily("usher_cache_up", "Whether Redis answered.", float(well))
        yield family
