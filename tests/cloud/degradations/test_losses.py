"""Each dependency taken away while there is work: what goes on, what is refused, what is lost."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import cloud
from cloud.embedded.postgres import Postgres
from cloud.embedded.valkey import Valkey
from cloud.http.losses import LOSSES
from cloud.orders.till import PATIENCE
from tests.cloud.database import copy_template, make_template
from tests.cloud.degradations.load import ORDERED, load
from tests.cloud.service import Event, Person, Service, good, problem, running


class House(NamedTuple):
    """A service on servers of its own, which a test may take away."""

    service: Service
    postgres: Postgres
    valkey: Valkey
    owner: Person
    event: Event


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything durable, as in earnest."""
    folder = tmp_path_factory.mktemp("house")
    with (
        Postgres(folder / "postgres", max_connections=60).running() as postgres,
        Valkey(folder / "valkey", durable=False).running() as valkey,
    ):
        make_template(postgres.superuser_url)
        database = copy_template(postgres.superuser_url)
        with running(database, valkey.url(), folder) as service:
            owner = service.person()
            event = service.event(owner, service.tenant(owner), capacity=400, price=900)
            yield House(service, postgres, valkey, owner, event)


def ready(house: House) -> Any:
    return house.service.client().get("/readyz").json()


def test_redis_gone(house: House) -> None:
    """Nobody is refused anything, before, meanwhile and after."""
    with load(house.service, house.owner, house.event.tenant) as working:
        working.until(5)
        os.kill(house.valkey.pid, signal.SIGKILL)
        working.until(10)
        told = ready(house)
        assert (told["ready"], told["cache"]) == (True, False)
        assert told["dependencies"]["cache"]["state"] == "away"
        house.valkey.start(moving=False)
        house.service.until(lambda: ready(house), lambda seen: seen["cache"])
        working.until(5)
    assert working.answers.keys() == {(201, "")}, working.answers
    working.within()  # Redis is waited for for two seconds, and then left alone


def test_stripe_answers_500(house: House) -> None:
    """Paying is refused, soon at once; all else goes on; what was held is paid afterwards."""
    service, owner, event = house.service, house.owner, house.event
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "quantity": 1}]}
    order = good(owner.post(f"{event.tenant.path}/orders", json=wanted), 201)
    path = f"{event.tenant.path}/orders/{order['order_id']}"
    with load(house.service, house.owner, house.event.tenant) as working:
        service.payments.test("faults", kind="outage_after", requests=10_000)

        def pay() -> Any:
            assert problem(owner.post(f"{path}/payment")) == (503, "payments_away")
            return ready(house)

        told = service.until(pay, lambda seen: seen["breakers"]["payments"] == 1, 120)
        assert told["ready"]
        assert told["dependencies"]["payments"]["state"] == "away"
        working.until(5)
        service.payments.http.delete("/_test/faults").raise_for_status()
        payment = good(
            service.until(lambda: owner.post(f"{path}/payment"), lambda seen: seen.is_success, 120)
        )
        service.pay(payment)
        service.until(lambda: good(owner.get(path)), lambda seen: seen["state"] == "paid")
    assert working.answers.keys() == {(201, "")}, working.answers
    working.within()
    assert ready(house)["breakers"]["payments"] == 0


def test_stripe_hangs(house: House) -> None:
    """Whoever pays is told within the time that a request has for it, and soon at once."""
    service, event = house.service, house.event
    buyers = [service.person() for _ in range(4)]  # as many as may ask at a time
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "quantity": 1}]}
    path = f"{event.tenant.path}/orders"
    orders = [good(each.post(path, json=wanted), 201)["order_id"] for each in buyers]
    took: list[float] = []

    def pay(number: int) -> tuple[int, str]:
        began = time.monotonic()
        told = problem(buyers[number].post(f"{path}/{orders[number]}/payment"))
        took.append(time.monotonic() - began)
        return told

    def pay_all() -> Any:
        assert set(asking.map(pay, range(4))) == {(503, "payments_away")}
        return ready(house)["breakers"]["payments"]

    with load(service, house.owner, event.tenant) as working, ThreadPoolExecutor(4) as asking:
        service.payments.test("faults", kind="hang_before", requests=10_000, seconds=30)
        service.until(pay_all, lambda seen: seen == 1, 120)
        working.until(5)
        service.payments.http.delete("/_test/faults").raise_for_status()
    assert working.answers.keys() == {(201, "")}, working.answers
    working.within()
    assert max(took) < 2 * PATIENCE + ORDERED


def test_postgresql_killed_and_started_again(house: House) -> None:
    """Meanwhile `unavailable`; whatever was answered before is there afterwards."""
    with load(house.service, house.owner, house.event.tenant) as working:
        working.until(5)
        os.kill(house.postgres.pid, signal.SIGKILL)
        service = house.service
        down = service.until(
            lambda: service.client().get("/readyz"), lambda s: s.status_code == 503
        )
        assert down.json()["dependencies"]["database"]["state"] == "away"
        house.service.until(lambda: working.answers[503, "unavailable"], lambda seen: seen > 0, 120)
        house.postgres.start(moving=False)
        service.until(lambda: service.client().get("/readyz").status_code, lambda s: s == 200, 120)
        working.until(5)
    assert working.answers.keys() <= {(201, ""), (503, "unavailable"), (503, "busy")}
    working.within()  # as long as a request waits for a connection


def test_the_readme_says_what_readyz_says() -> None:
    text = (Path(cloud.__file__).parent / "README.md").read_text()
    for name, loss in LOSSES.items():
        assert f"| {name} | {loss.works} | {loss.waits} | {loss.refused} |" in text
