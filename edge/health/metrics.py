"""The gate's figures for Prometheus: usher_edge_*.

Labels are codes, gates, zones, events and cameras, of which there are few; nothing that a guest
or a handheld brings along is one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge.gate.gate import Gate
from edge.health.reading import Reading
from edge.health.result import Result, severity
from edge.link.messages import CameraState
from shared.outcomes import BY_CODE

Now = Callable[[], tuple[Reading, list[Result]]]
AT_GATE: Final = ("event", "gate", "name")
IN_ZONE: Final = ("event", "zone", "name")
CAMERA: Final[Mapping[str, tuple[str, Callable[[CameraState], float]]]] = {
    "connected": ("Whether a camera gives pictures.", lambda state: state.connected),
    "fps": ("Pictures a second.", lambda state: state.fps),
    "brightness": ("Mean of grey, 0 to 255.", lambda state: state.brightness),
    "idle": ("Share of pictures in which nothing moved.", lambda state: state.idle),
}


class Figures(Collector):
    """Asked at each scrape."""

    def __init__(self, gate: Gate, now: Now, counted: Callable[[], Mapping[str, int]]) -> None:
        self._gate = gate
        self._now = now
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        reading, results = self._now()
        build = {"version": str(self._gate.around.get("version", ""))}
        yield InfoMetricFamily("usher_edge_build", "What runs here.", build)
        yield self._scans()
        yield from self._people()
        yield from self._machine(reading)
        yield from _cameras(reading.cameras or {})
        yield _health(results)

    def _scans(self) -> Metric:
        """All outcomes that there are, so that a first one is a step up from 0."""
        family = CounterMetricFamily(
            "usher_edge_scans", "Verdicts since the start, without practice.", labels=["outcome"]
        )
        counted = self._counted()
        for code in BY_CODE:
            family.add_metric([code], counted.get(code, 0))
        return family

    def _people(self) -> Iterator[Metric]:
        entered = GaugeMetricFamily("usher_edge_entered", "People let in.", labels=AT_GATE)
        left = GaugeMetricFamily("usher_edge_left", "Exits.", labels=AT_GATE)
        refused = GaugeMetricFamily("usher_edge_refused", "Tickets refused.", labels=AT_GATE)
        inside = GaugeMetricFamily("usher_edge_inside", "People in a zone.", labels=IN_ZONE)
        ledger, now = self._gate.ledger, self._gate.clock.now()
        for event, book in self._gate.held.trust.books.items():
            for gate in book.rules.gates.values():
                labels = [event.hex(), str(gate.id), gate.name]
                counts = ledger.counts(event, gate.id)
                for family, count in zip((entered, left, refused), counts, strict=True):
                    family.add_metric(labels, count)
            today = book.rules.day_at(now.seconds) or 0
            names = {zone.id: zone.name for zone in book.manifest.head.plan.zones}
            for zone, name in names.items():
                labels = [event.hex(), str(zone), name]
                inside.add_metric(labels, ledger.inside(event, zone, today))
        yield from (entered, left, refused, inside)

    def _machine(self, reading: Reading) -> Iterator[Metric]:
        trusted = reading.time is not None and reading.time.now.trusted
        yield GaugeMetricFamily("usher_edge_clock_trusted", "Whether the time is known.", trusted)
        if reading.written is not None:
            failed = reading.written.failed or bool(reading.written.error)
            yield GaugeMetricFamily("usher_edge_storage_failed", "Whether writing fails.", failed)
        if reading.queue is not None:
            what = "Own records without a receipt."
            yield GaugeMetricFamily("usher_edge_records_waiting", what, reading.queue.waiting)
        if reading.hardware.disk is not None:
            free = reading.hardware.disk.free
            yield GaugeMetricFamily("usher_edge_disk_free_bytes", "Room on the disk.", free)
        ages = GaugeMetricFamily(
            "usher_edge_manifest_age_seconds", "Since the list was signed.", labels=["event"]
        )
        for event in reading.lists.events if reading.lists else ():
            if event.old is not None:
                ages.add_metric([event.event], event.old)
        yield ages
        versions = GaugeMetricFamily(
            "usher_edge_manifest_version", "Of the list in force.", labels=["event"]
        )
        for event_ref, book in self._gate.held.trust.books.items():
            versions.add_metric([event_ref.hex()], book.manifest.head.version)
        yield versions


def _cameras(cameras: Mapping[str, CameraState | None]) -> Iterator[Metric]:
    for figure, (what, of) in CAMERA.items():
        family = GaugeMetricFamily(f"usher_edge_camera_{figure}", what, labels=["camera"])
        for name, state in cameras.items():
            if state is not None:
                family.add_metric([name], of(state))
            elif figure == "connected":
                family.add_metric([name], 0)
        yield family


def _health(results: list[Result]) -> Metric:
    family = GaugeMetricFamily("usher_edge_health", "0 ok, 1 warn, 2 fail.", labels=["check"])
    for result in results:
        family.add_metric([result.name], severity(result.state))
    return family
