"""The report of a running gate, for pages, Prometheus and the status strip.

Whoever asks may wait: for milliseconds as a rule, and for up to seconds each time the log is
looked at closely, every five minutes. No scan does. The database is read on a connection of
its own, so that its lock is never held here.

    health = Health(gate, cameras.states)
    health.worst()      # "ok", "warn" or "fail"
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest

from edge.gate.bus import News
from edge.gate.gate import Gate
from edge.gate.verdict import Verdict
from edge.health import inspection
from edge.health.checks import results
from edge.health.hardware import read_hardware
from edge.health.known import ahead_of, lists_of, named, names_of, roster_of
from edge.health.metrics import Figures
from edge.health.reading import (
    Access,
    Certificate,
    Hardware,
    Link,
    Log,
    Queue,
    Reading,
    Time,
    Written,
)
from edge.health.result import Result, State, worst
from edge.health.served import read_certificate
from edge.health.watched import Watched
from edge.link.messages import CameraState
from edge.settings import Settings
from shared.claims.owners import members

FRESH: Final = 5.0  # seconds that a report is good for
CLOSELY: Final = 300.0  # seconds between two close looks at the log

Cameras = Callable[[], Mapping[str, tuple[str, CameraState]]]


class Close(NamedTuple):
    """What a close look found: it costs, and is kept for a while."""

    at: float
    log: Log
    error: str  # of a trial to write
    aside: int
    certificate: Certificate


class Health:
    """Safe to use from any thread but an event loop's."""

    def __init__(
        self,
        gate: Gate,
        cameras: Cameras,
        hardware: Callable[[Settings], Hardware] = read_hardware,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate
        self._cameras = cameras
        self._hardware = hardware
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: tuple[float, Reading, list[Result]] | None = None
        self._close: Close | None = None
        self._watched = Watched(gate.settings.data_folder, gate.me)
        self._counting = threading.Lock()
        self._scans: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(Figures(gate, self._now, self._counted))
        gate.bus.listen(self._heard)

    def report(self) -> list[dict[str, str]]:
        """Return a row for each check: name, state, code, value, sentence, todo."""
        return [result.row() for result in self.results()]

    def results(self, *, closely: bool = False) -> list[Result]:
        """Return what each check says; `closely`: look at the log again, whatever it costs."""
        return self._now(closely=closely)[1]

    def worst(self) -> State:
        """Return the worst of all states."""
        return worst(result.state for result in self.results())

    def metrics(self) -> str:
        """Return Prometheus text."""
        return generate_latest(self._registry).decode()

    def _now(self, *, closely: bool = False) -> tuple[Reading, list[Result]]:
        with self._lock:
            now = self._seconds()
            if self._kept is None or closely or now - self._kept[0] >= FRESH:
                reading = self._read(now, closely=closely)
                self._kept = now, reading, results(reading)
            return self._kept[1:]

    def _read(self, now: float, *, closely: bool) -> Reading:
        if self._close is None or closely or now - self._close.at >= CLOSELY:
            self._close = self._look(now)
        gate, close = self._gate, self._close
        clock = gate.clock
        until = clock.stamps_until(gate.ledger.stamped_ms())
        trust = gate.held.trust
        others = ahead_of(trust, gate.me.device, clock.now(), gate.stores.log.last)
        time = Time(clock.now(), clock.quality(), clock.jumped(), until, others)
        return Reading(
            hardware=self._hardware(gate.settings),
            setup="wiped" if gate.held.wiped else "",
            written=self._written(close),
            certificate=close.certificate,
            time=time,
            log=close.log,
            queue=self._queue(now),
            lists=lists_of(trust, time.now, gate.unfollowed),
            roster=roster_of(
                trust,
                gate.me.device,
                time.now,
                locked=gate.held.locked,
                alone=gate.held.why_locked() == "no_contact",
            ),
            link=_link(gate),
            cameras=self._states(),
        )

    def _queue(self, now: float) -> Queue | None:
        queue, gate = self._watched.look(now), self._gate
        if queue is None:
            return None
        names = names_of(gate.held.trust)
        refused = sorted((named(names, each), code) for each, code in gate.refused.items())
        parted = inspection.disputed_in(gate.settings.data_folder)
        disputed = sorted(named(names, each) for each in parted)
        return queue._replace(refused=tuple(refused), disputed=tuple(disputed))

    def _look(self, now: float) -> Close:
        settings, me = self._gate.settings, self._gate.me
        folder = settings.data_folder
        return Close(
            now,
            inspection.inspect_log(folder, me),
            inspection.try_to_write(folder),
            inspection.set_aside(folder),
            read_certificate(settings),
        )

    def _written(self, close: Close) -> Written:
        gate = self._gate
        mirror: Access = "unreadable" if gate.stores.mirror.failed else "ok"
        failed = gate.station.storage_failed
        return Written(close.error, failed, mirror, gate.healed, close.aside)

    def _states(self) -> dict[str, CameraState | None]:
        """Return each camera's last word: those that are set up, and any that came by itself."""
        said = self._cameras()
        silent = dict.fromkeys(each.name for each in self._gate.settings.cameras)
        return {**silent, **{name: state for name, (_, state) in said.items()}}

    def _heard(self, news: News) -> None:
        if isinstance(news, Verdict) and not news.practice:
            with self._counting:
                self._scans[news.code] += 1

    def _counted(self) -> Mapping[str, int]:
        with self._counting:
            return dict(self._scans)


def _link(gate: Gate) -> Link:
    """Return whom this gate reaches, and whom it should."""
    around, names = gate.around, names_of(gate.held.trust)
    distrusted = tuple(sorted(names[each] for each in gate.distrusted & names.keys()))
    return Link(around.get("link", "alone"), around.get("peers", 0), _others(gate), distrusted)


def _others(gate: Gate) -> int:
    """Return how many gates this one is to reach: those of its site, where its LAN is on."""
    devices = gate.held.trust.roster.devices
    own = devices.get(gate.me.device)
    if own is None or not gate.settings.lan.enabled:
        return 0
    return len(members(devices, own.site) - {gate.me.device})
