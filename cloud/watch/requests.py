"""Each request, counted and timed: rate, errors and duration of each group of routes."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

# Seconds. A redeem takes a few milliseconds, an export seconds.
BOUNDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Requests:
    """Counts what is told to it. Labels are ours, never a caller's words."""

    def __init__(self) -> None:
        registry = CollectorRegistry()  # in this mode the files are what is read
        self._count = Counter(
            "usher_http_requests", "Requests answered.", ("group", "status"), registry=registry
        )
        self._seconds = Histogram(
            "usher_http_request_seconds",
            "How long they took.",
            ("group",),
            buckets=BOUNDS,
            registry=registry,
        )

        self._refused = Counter(
            "usher_http_shed",
            "Requests refused so that others are served.",
            ("whose", "why"),
            registry=registry,
        )
        for whose in ("sales", "browsing"):
            self._refused.labels(whose, "full")

    def shed(self, whose: str, why: str) -> None:
        """Count a request that was refused unread."""
        self._refused.labels(whose, why).inc()

    def __call__(self, group: str, status: int, seconds: float) -> None:
        """Count a request of a group of routes. `status` 0: its caller hung up."""
        self._count.labels(group, str(status)).inc()
        self._seconds.labels(group).observe(seconds)
