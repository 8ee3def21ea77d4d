"""Work that goes on while something is taken away, and how it went before, meanwhile and after.

with load(service, owner, tenant) as work:
    work.until(5)
    with work.without():
        os.kill(…)
        work.until(10)
    work.until(5)
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from tests.cloud.service import Event, Person, Service, Tenant

# Seconds for an order on a loaded machine: less than broker, mail server, payment provider or an
# organizer's endpoint are waited for (cloud/README.md, "Time-outs"), so it waits for none of them.
ORDERED = 5.0
PAID = "SELECT count(*) AS n FROM purchase WHERE event_id = $1 AND state = 'paid'"


class Phase(StrEnum):
    """When an order was asked for: whatever touches the loss is `DURING`."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class Answered(NamedTuple):
    """An order that was answered, well or not."""

    phase: Phase
    seconds: float
    well: bool


class Load:
    """Buyers of free tickets, one after the other: each order that was answered 201 is there.

    `depth`: how many times as many orders are waited for as a test asks for.
    """

    def __init__(
        self, service: Service, owner: Person, event: Event, pace: float, depth: int
    ) -> None:
        self._client = service.client(owner.headers["authorization"])
        self.event = event
        self._pace = pace
        self._depth = depth
        self._stop = threading.Event()
        self._phase = Phase.BEFORE
        self.answers: Counter[tuple[int, str]] = Counter()
        self.orders: list[str] = []
        self.answered: list[Answered] = []

    def run(self) -> None:
        """Order until told to stop."""
        wanted = {
            "event_id": str(self.event.event_id), "items": [{"class_index": 0, "quantity": 1}]
        }  # fmt: skip
        while not self._stop.is_set():
            phase, began = self._phase, time.monotonic()
            answer = self._client.post(f"{self.event.tenant.path}/orders", json=wanted)
            took = time.monotonic() - began
            if phase is not Phase.DURING:
                phase = self._phase
            self.answered.append(Answered(phase, took, answer.is_success))
            code = "" if answer.is_success else answer.json()["code"]
            self.answers[answer.status_code, code] += 1
            if answer.is_success:
                self.orders.append(answer.json()["order_id"])
            self._stop.wait(self._pace)

    @contextmanager
    def without(self) -> Iterator[None]:
        """Something is away while this lasts."""
        self._phase = Phase.DURING
        yield
        self._phase = Phase.AFTER

    def until(self, more: int) -> None:
        """Wait until so many more are ordered."""
        more *= self._depth
        end, wanted = time.monotonic() + 120 + more, len(self.orders) + more
        while len(self.orders) < wanted:
            assert time.monotonic() < end, self.answers
            time.sleep(0.05)

    def within(self, seconds: float = ORDERED) -> None:
        """Fail unless 99 of 100 were answered within so many seconds, whatever the answer."""
        ranked = sorted(each.seconds for each in self.answered)
        slow = ranked[len(ranked) * 99 // 100]
        assert slow <= seconds, (slow, ranked[len(ranked) // 2], self.answers)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def load(
    service: Service, owner: Person, tenant: Tenant, pace: float = 0.0, depth: int = 1
) -> Iterator[Load]:
    """Work meanwhile. `pace`: seconds between an answer and the next order."""
    free = service.event(owner, tenant, capacity=5000, price=0, per_order=10)
    working = Load(service, owner, free, pace, depth)
    thread = threading.Thread(target=working.run)
    thread.start()
    try:
        yield working
    finally:
        working.stop()
        thread.join(90)
    assert not thread.is_alive()
    kept = service.database.rows(PAID, free.event_id)[0]["n"]
    assert kept >= len(working.orders) > 0  # nothing that was answered is lost
    assert kept <= sum(working.answers.values())
