"""A service on servers of its own, and what becomes of orders while one of these is away."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from cloud.embedded.postgres import Postgres
from cloud.embedded.valkey import Valkey
from cloud.orders.till import PATIENCE
from tests.cloud.database import copy_template, make_template
from tests.cloud.degradations.load import ORDERED, Load
from tests.cloud.service import Event, Person, Service, good, problem, running

LONG: Final = 120.0  # seconds; a loaded machine
PAYERS: Final = 4  # as many as may ask at a time


class House(NamedTuple):
    """A service on servers of its own, which may be taken away."""

    service: Service
    postgres: Postgres
    valkey: Valkey
    owner: Person
    event: Event

    def ready(self) -> Any:
        """Return what /readyz says."""
        return self.service.client().get("/readyz").json()

    def held(self, buyer: Person) -> str:
        """Have a buyer hold a ticket that costs something; return the order's path."""
        wanted = {
            "event_id": str(self.event.event_id),
            "items": [{"class_index": 0, "quantity": 1}],
        }
        path = f"{self.event.tenant.path}/orders"
        return f"{path}/{good(buyer.post(path, json=wanted), 201)['order_id']}"


@contextmanager
def open_house(folder: Path, **more: Any) -> Iterator[House]:
    """Everything durable, as in earnest. `more`: settings."""
    with (
        Postgres(folder / "postgres", max_connections=60).running() as postgres,
        Valkey(folder / "valkey", durable=False).running() as valkey,
    ):
        make_template(postgres.superuser_url)
        database = copy_template(postgres.superuser_url)
        with running(database, valkey.url(), folder, **more) as service:
            owner = service.person()
            event = service.event(owner, service.tenant(owner), capacity=400, price=900)
            yield House(service, postgres, valkey, owner, event)


def redis_gone(house: House, work: Load) -> None:
    """Killed, and started again."""
    work.until(5)
    with work.without():
        os.kill(house.valkey.pid, signal.SIGKILL)
        work.until(10)
        told = house.ready()
        assert (told["ready"], told["cache"]) == (True, False)
        assert told["dependencies"]["cache"]["state"] == "away"
        house.valkey.start(moving=False)
        house.service.until(house.ready, lambda seen: seen["cache"])
    work.until(5)


class Payers:
    """Buyers who hold a ticket each, and ask to pay at once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._buyers = [house.service.person() for _ in range(PAYERS)]
        self._paths = [house.held(each) for each in self._buyers]
        self.took: list[float] = []  # seconds of each answer

    def ask(self, number: int = 0) -> httpx.Response:
        """Have one of them ask."""
        began = time.monotonic()
        answer = self._buyers[number].post(f"{self._paths[number]}/payment")
        self.took.append(time.monotonic() - began)
        return answer

    def refused(self) -> Any:
        """Have all of them told that it can't be; return what /readyz says then."""
        with ThreadPoolExecutor(PAYERS) as asking:
            told = set(map(problem, asking.map(self.ask, range(PAYERS))))
        assert told == {(503, "payments_away")}
        return self._house.ready()

    def order(self, number: int = 0) -> Any:
        """Return the order of one of them."""
        return good(self._buyers[number].get(self._paths[number]))


def stripe_answers_500(house: House, work: Load) -> None:
    """Paying is refused, soon at once; what was held is paid afterwards."""
    service, payers = house.service, Payers(house)
    work.until(5)
    with work.without():
        service.payments.test("faults", kind="outage_after", requests=10_000)
        told = service.until(payers.refused, lambda seen: seen["breakers"]["payments"] == 1, LONG)
        assert told["ready"]
        assert told["dependencies"]["payments"]["state"] == "away"
        work.until(5)
        service.payments.http.delete("/_test/faults").raise_for_status()
        payment = good(service.until(payers.ask, lambda seen: seen.is_success, LONG))
    service.pay(payment)
    service.until(payers.order, lambda seen: seen["state"] == "paid")
    work.until(5)
    assert house.ready()["breakers"]["payments"] == 0


def stripe_hangs(house: House, work: Load) -> None:
    """Whoever pays is told within the time that a request has for it, and soon at once."""
    service, payers = house.service, Payers(house)
    work.until(5)
    with work.without():
        service.payments.test("faults", kind="hang_before", requests=10_000, seconds=30)
        service.until(payers.refused, lambda seen: seen["breakers"]["payments"] == 1, LONG)
        work.until(5)
        service.payments.http.delete("/_test/faults").raise_for_status()
    work.until(5)
    assert max(payers.took) < 2 * PATIENCE + ORDERED


def postgresql_killed_and_started_again(house: House, work: Load) -> None:
    """Until it is there again, orders are refused."""
    service = house.service

    def ask() -> Any:
        return service.client().get("/readyz")

    work.until(5)
    with work.without():
        os.kill(house.postgres.pid, signal.SIGKILL)
        down = service.until(ask, lambda seen: seen.status_code == 503)
        assert down.json()["dependencies"]["database"]["state"] == "away"
        service.until(lambda: work.answers[503, "unavailable"], lambda seen: seen > 0, LONG)
        house.postgres.start(moving=False)
        service.until(ask, lambda seen: seen.status_code == 200, LONG)
    work.until(5)
