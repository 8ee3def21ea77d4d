"""kill -9 of whatever runs, at random moments of the purchase path: nothing is lost or doubled."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from cloud.embedded.ports import free_port
from tests.cloud.run.market import Crowd, Market, check, market, open_http, settled
from tests.cloud.run.served import HOLD, Served, alive, descendants, served, until
from tests.cloud.service import good

SEED: Final = 20260801
BUYERS: Final = 24  # in a round
KILLS: Final = 3
ENOUGH: Final = 2 * BUYERS  # orders that are paid for at the end
PASSES: Final = 3  # where a loaded machine lets holds lapse, until enough have got through
SLOW: Final = 0.2  # seconds from what the provider has done to its answer
LONG: Final = 400.0


def test_every_paid_order_has_tickets_or_its_money_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whoever is killed: no order ends with both or with neither, no hold stays, and the books
    have what the provider has."""
    chance = random.Random(SEED)
    folder = tmp_path_factory.mktemp("kill")
    listen = f"127.0.0.1:{free_port()}"
    with served(
        folder, USHER_WORKERS="2", USHER_HOLD_SECONDS=str(HOLD), USHER_LISTEN=listen
    ) as service:
        place = market(service, 1000)
        _slow_down(service)
        for _ in range(PASSES):
            for strike in (_an_api, _the_worker, _the_database, _everything):
                asyncio.run(_round(place, chance, strike))
            until(lambda: settled(service), LONG)
            check(service)
            if _paid(service) >= ENOUGH:
                break
        assert _paid(service) >= ENOUGH, "too few got through to prove anything"


def _paid(service: Served) -> int:
    return int(service.one_row("SELECT count(*) AS n FROM purchase WHERE state = 'paid'")["n"])


def _slow_down(service: Served) -> None:
    """Have the provider answer late what it has done: so kills fall between the two."""
    slow = {"kind": "slow_after", "path": "/v1/", "requests": 1_000_000, "seconds": SLOW}
    with service.fake() as fake:
        good(fake.post("/_test/faults", json=slow))


async def _round(place: Market, chance: random.Random, strike: "Strike") -> None:
    tokens = list((await asyncio.to_thread(place.served.tokens, BUYERS)).values())
    with open_http() as http:
        async with http:
            crowd = Crowd(place, http)
            buyers = [_buyer(crowd, token, random.Random(chance.random())) for token in tokens]
            await asyncio.gather(*buyers, _strike(place.served, chance, strike))


async def _strike(service: Served, chance: random.Random, strike: "Strike") -> None:
    for _ in range(1 if strike is _everything else KILLS):
        await asyncio.sleep(chance.uniform(0.05, 1.5))
        await asyncio.to_thread(strike, service, chance)


async def _buyer(crowd: Crowd, token: str, chance: random.Random) -> None:
    """Hold, pay, and give some back, at one's own pace."""
    await asyncio.sleep(chance.uniform(0, 2.5))
    order = await crowd.hold(token, chance.randint(1, 3))
    assert order, "nobody sells out here"
    if chance.random() < 0.1:
        return
    await asyncio.sleep(chance.uniform(0, 0.3))
    if not (intent := await crowd.begin(token, order)):
        return
    await asyncio.sleep(chance.uniform(0, 0.3))
    if chance.random() < 0.15:
        await crowd.ask(token, "DELETE", order)
    await crowd.card(intent)
    if chance.random() < 0.5 and await crowd.ended(token, order) == "paid":
        await _give_back(crowd, order, chance)


async def _give_back(crowd: Crowd, order: str, chance: random.Random) -> None:
    """Give all of an order back, or a ticket of it: twice that much could be paid back too."""
    asked: dict[str, Any] = {"reason": "Kill."}
    if chance.random() < 0.7:
        seen = good(await crowd.ask(crowd.place.owner, "GET", order))
        asked["tickets"] = [seen["items"][0]["ticket_id"]]
    await crowd.ask(crowd.place.owner, "POST", f"{order}/refunds", asked)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _an_api(service: Served, chance: random.Random) -> None:
    for pid in service.workers():
        if chance.random() < 0.7:
            _kill(pid)


def _the_worker(service: Served, chance: random.Random) -> None:
    del chance
    for pid in (service.one("cloud work"), *service.workers()[:1]):
        if pid:
            _kill(pid)


def _the_database(service: Served, chance: random.Random) -> None:
    del chance
    with suppress(FileNotFoundError, IndexError):
        _kill(service.postmaster())


def _everything(service: Served, chance: random.Random) -> None:
    del chance
    family = descendants(service.pid)
    _kill(service.pid)
    assert service.process is not None
    service.process.wait()
    until(lambda: not alive(family))
    service.start()


Strike = Callable[[Served, random.Random], None]
