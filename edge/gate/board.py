"""What screens show beside verdicts: how this device does, how many people, the last scans."""

from collections.abc import Callable
from typing import Any, Final, Literal

from edge.gate.clock import DeviceClock
from edge.gate.lanes import Lanes, zone_name
from edge.gate.ledger import Ledger
from edge.gate.state import Counts, EventPosts, Status
from edge.gate.trust import Trust
from edge.gate.verdict import Verdict
from shared.log.record import TimeQuality
from shared.rules.compiled import Age

CLOCKS: Final[dict[TimeQuality, Literal["none", "carried", "trusted"]]] = {
    TimeQuality.NONE: "none",
    TimeQuality.CARRIED: "carried",
    TimeQuality.TRUSTED: "trusted",
}
AGES: Final[dict[Age, Literal["fresh", "stale", "restricted"]]] = {
    Age.FRESH: "fresh",
    Age.STALE: "stale",
    Age.RESTRICTED: "restricted",
}
_WORST: Final = (Age.RESTRICTED, Age.STALE, Age.FRESH)


class Board:
    """`around`: what other parts of the process know, as fields of `Status`."""

    def __init__(
        self,
        lanes: Lanes,
        ledger: Ledger,
        trust: Callable[[], Trust],
        clock: DeviceClock,
        blocked: Callable[[], str],
        around: Callable[[], dict[str, Any]],
    ) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self._trust = trust
        self._clock = clock
        self._blocked = blocked
        self._around = around

    def status(self) -> Status:
        """Return the status strip."""
        now, books = self._clock.now(), list(self._trust().books.values())
        blocked = self._blocked()
        until = self._clock.stamps_until(self._ledger.stamped_ms())
        ages = {book.rules.age(now) for book in books}
        oldest = min((book.manifest.head.issued for book in books), default=None)
        return Status(
            at=self._clock.stamp_ms(),
            ready=not blocked,
            blocked=blocked,
            data_age=None if oldest is None else max(0, now.seconds - oldest),
            data_state=next((AGES[age] for age in _WORST if age in ages), "none"),
            clock=CLOCKS[self._clock.quality()],
            clock_warning=self._warning(until),
            stamps_until=until,
            **self._around(),
        )

    def _warning(self, until: int) -> Literal["", "clock_jumped", "stamps_ahead"]:
        if self._clock.jumped():
            return "clock_jumped"
        return "stamps_ahead" if until else ""

    def counts(self, lane: str) -> Counts:
        """Return how many people, at a lane's gate and in its zone."""
        target = self._lanes.lane(lane)
        post = next(iter(self._lanes.posts(target).values()), None)
        book = self._trust().books.get(post.event) if post else None
        if post is None or book is None:
            return Counts()
        ledger = target.practice or self._ledger
        entered, left, refused = ledger.counts(post.event, post.gate)
        today = book.rules.day_at(self._clock.now().seconds) or 0
        zones = {zone.id: zone.capacity for zone in book.manifest.head.plan.zones}
        return Counts(
            entered=entered,
            left=left,
            inside=ledger.inside(post.event, post.zone, today),
            capacity=zones.get(post.zone, 0),
            refused=refused,
            zone_name=zone_name(book, post.zone),
        )

    def recent(self, lane: str, most: int = 50) -> list[Verdict]:
        """Return a lane's last verdicts, the newest first."""
        return list(self._lanes.lane(lane).recent)[:most]

    def posts(self) -> list[EventPosts]:
        """Return the events and gates that staff may choose from."""
        return self._lanes.offered()
