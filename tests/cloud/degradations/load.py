"""Work that goes on while a test takes something away."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cloud.service import Event, Person, Service, Tenant

# Seconds for an order on a loaded machine: less than broker, mail server, payment provider or an
# organizer's endpoint are waited for (cloud/README.md, "Time-outs"), so it waits for none of them.
ORDERED = 5.0
PAID = "SELECT count(*) AS n FROM purchase WHERE event_id = $1 AND state = 'paid'"


class Load:
    """Buyers of free tickets, one after the other: each order that was answered 201 is there."""

    def __init__(self, service: Service, owner: Person, event: Event, pace: float) -> None:
        self._client = service.client(owner.headers["authorization"])
        self._event = event
        self._pace = pace
        self._stop = threading.Event()
        self.answers: Counter[tuple[int, str]] = Counter()
        self.orders: list[str] = []
        self.seconds: list[float] = []

    def run(self) -> None:
        """Order until told to stop."""
        wanted = {
            "event_id": str(self._event.event_id), "items": [{"class_index": 0, "quantity": 1}]
        }  # fmt: skip
        while not self._stop.is_set():
            began = time.monotonic()
            answer = self._client.post(f"{self._event.tenant.path}/orders", json=wanted)
            self.seconds.append(time.monotonic() - began)
            code = "" if answer.is_success else answer.json()["code"]
            self.answers[answer.status_code, code] += 1
            if answer.is_success:
                self.orders.append(answer.json()["order_id"])
            self._stop.wait(self._pace)

    def until(self, more: int) -> None:
        """Wait until so many more are ordered."""
        end, wanted = time.monotonic() + 120, len(self.orders) + more
        while len(self.orders) < wanted:
            assert time.monotonic() < end, self.answers
            time.sleep(0.05)

    def within(self, seconds: float = ORDERED) -> None:
        """Fail unless 99 of 100 were answered within so many seconds, whatever the answer."""
        ranked = sorted(self.seconds)
        slow = ranked[len(ranked) * 99 // 100]
        assert slow <= seconds, (slow, ranked[len(ranked) // 2], self.answers)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def load(service: Service, owner: Person, tenant: Tenant, pace: float = 0.0) -> Iterator[Load]:
    """Work meanwhile. `pace`: seconds between an answer and the next order."""
    free = service.event(owner, tenant, capacity=5000, price=0, per_order=10)
    working = Load(service, owner, free, pace)
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
