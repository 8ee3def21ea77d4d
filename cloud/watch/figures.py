"""The business in figures, asked of the database at each scrape: usher_* of all tenants.

A label names a tenant. Of many tenants the busiest have their own; the others are one,
`(others)`, so that what a scrape costs stays bounded however many there are.
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, LiteralString, NamedTuple

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cloud.db.connect import connect, hang_up

LOG = structlog.get_logger("usher.figures")
OWN: Final = 100  # tenants with labels of their own
OTHERS: Final = "(others)"  # no slug has parentheses
FRESH: Final = 5.0  # seconds that an answer is given again
WAIT: Final = 8.0  # seconds; Prometheus waits for ten by default
ASK: Final[LiteralString] = """
    SELECT slug, figure, value FROM figures($1)
    UNION ALL SELECT slug, figure, value FROM mail_figures($1)
    UNION ALL SELECT slug, figure, value FROM ledger_figures($1)
"""

# By name: what it tells.
FIGURES: Final[Mapping[str, str]] = {
    "tickets_sold": "Tickets that are somebody's, of events not yet over for a day.",
    "admitted": "Entries that count, at the same events.",
    "refused": "Scans that were refused, at the same events.",
    "incidents_open": "Incidents that nobody has settled.",
    "messages_waiting": "Messages that are not handled yet.",
    "messages_oldest_seconds": "How long the oldest of them has waited.",
    "messages_dead": "Messages that were given up.",
    "mail_waiting": "Mails that are not handed over yet.",
    "mail_oldest_seconds": "How long the oldest mail waits that no receiver has put off.",
    "mail_sent": "Mails that the mail server took, or that were kept, within the last hour.",
    "mail_refused": "Mails that bounced or were given up within the last hour.",
    "ledger_waiting": "Tickets whose asset is not as it shall be, of events that are not paused.",
    "ledger_oldest_seconds": "How long the first of them waits.",
    "ledger_held": "What on the ledger needs a person: given up, lost, or done by others.",
    "merges_waiting": "Events whose records wait to be merged.",
    "gates": "Gates that are not withdrawn.",
    "gates_silent_seconds": "Since when the gate that was heard of least lately is silent, of "
    "those heard of within a day, from an hour before doors until the end of an event.",
    "gates_waiting": "Records that gates heard of within a day had not sent when last heard of.",
    "gates_clock_off_seconds": "By how much the clock of such a gate that is off the most was off.",
    "gates_behind_seconds": "How old the oldest ticket list is that such a gate goes by, "
    "where a newer one is to be had.",
}
LARGEST: Final = frozenset(name for name in FIGURES if name.endswith("_seconds"))


class Figure(NamedTuple):
    """One number of one tenant."""

    tenant: str
    name: str
    value: float


class Figures(Collector):
    """Asked at each scrape, in the exporter's thread."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._lock = threading.Lock()
        self._kept: list[Figure] = []
        self._until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Name no metric: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all figures, or that they can't be had."""
        with self._lock:
            well = self._look()
            kept = bounded(self._kept) if well else []
        yield GaugeMetricFamily("usher_figures_up", "Whether the database answered.", float(well))
        yield from _families(kept)

    def _look(self) -> bool:
        if time.monotonic() < self._until:
            return True
        try:
            self._kept = asyncio.run(asyncio.wait_for(_ask(self._url), WAIT))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other figures are told
            LOG.warning("figures_away", fault=type(error).__name__)
            return False
        self._until = time.monotonic() + FRESH
        return True


async def _ask(url: str) -> list[Figure]:
    conn = await connect(url)
    try:
        return [Figure(*row.values()) for row in await conn.fetch(ASK, datetime.now(UTC))]
    finally:
        await hang_up(conn)


def bounded(figures: Iterable[Figure], own: int = OWN) -> list[Figure]:
    """Return the figures of the `own` tenants that sold most, and those of all others together."""
    figures = list(figures)
    sold = {each.tenant: each.value for each in figures if each.name == "tickets_sold"}
    tenants = sorted({each.tenant for each in figures}, key=lambda t: (-sold.get(t, 0.0), t))
    named = set(tenants[:own])
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in figures:
        values[each.tenant if each.tenant in named else OTHERS, each.name].append(each.value)
    return [
        Figure(tenant, name, max(several) if name in LARGEST else sum(several))
        for (tenant, name), several in sorted(values.items())
    ]


def _families(figures: Iterable[Figure]) -> Iterator[Metric]:
    for name, what in FIGURES.items():
        family = GaugeMetricFamily(f"usher_{name}", what, labels=["tenant"])
        for each in figures:
            if each.name == name:
                family.add_metric([each.tenant], each.value)
        yield family
