"""Without a broker: who dispatches is killed at random while orders are paid."""

import asyncio
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from cloud.messages.inbox import FIRST_WAIT, MAX_ATTEMPTS, MAX_WAIT
from tests.cloud.broker.serving import Told
from tests.cloud.database import Database, awaited
from tests.cloud.messages import post
from tests.cloud.messages.post import effects, later, publish, states
from tests.cloud.messages.post import tenant as tenant
from tests.cloud.messages.purchases import all_told, bought, check, opened
from tests.cloud.orders.shop import Shop
from tests.cloud.orders.shop import shop as shop
from tests.cloud.troupe import Troupe, troupe

ORDERS: Final = 600
ROLES: Final = ("dispatch", "dispatch")
KILLED: Final = 8  # times, before the last of the orders' messages is handled
WITHIN: Final = 60.0  # seconds after the last kill


async def kill(players: Troupe, dice: random.Random) -> None:
    """Kill one or the other, often while it is at work."""
    for _ in range(KILLED):
        await asyncio.sleep(dice.uniform(0.8, 1.8))
        players.kill(dice.randrange(len(ROLES)))


def test_every_effect_happens_once_whoever_dies(shop: Shop, tmp_path: Path) -> None:
    """600 orders, of which 60 are given back: each told once by mail and to a webhook, in order."""
    event, seed = opened(shop, ORDERS), random.randrange(1 << 32)
    print("seed", seed)  # noqa: T201 - shown where it fails

    async def run(players: Troupe) -> dict[UUID, bool]:
        async with shop.open() as desk:
            orders, _ = await asyncio.gather(
                bought(desk, event, ORDERS), kill(players, random.Random(seed))
            )
            await all_told(shop, WITHIN)
            return orders

    told = Told(shop.database.app_url, {}, os.getpid())
    with troupe(ROLES, told, tmp_path / "processes") as players:
        orders = awaited(run(players))
        assert players.end() == [0] * len(ROLES)
    assert len(orders) == ORDERS
    check(shop, orders)


def worker(database: Database, now: datetime) -> int:
    """Run a worker whose clock stands, until nothing is due; return how it ended.

    However long it takes to start, what is due again in a while is so for none of that time.
    """
    told = (database.app_url, now.isoformat())
    command = [sys.executable, "-m", "tests.cloud.messages.dying", *told]
    return subprocess.run(command, check=False, timeout=60).returncode


def test_who_kills_each_worker_is_given_up(database: Database, tenant: UUID) -> None:
    """After as many deaths as any message has attempts; those of other keys wait for one death,
    and the one behind it in the end has its turn."""

    async def run() -> None:
        async with post.opened(database) as pool:
            await publish(pool, tenant, ("poison", "1"), ("a", "1"), ("a", "2"))

    awaited(run())
    now, wait = later(), timedelta(seconds=FIRST_WAIT + MAX_WAIT)
    assert worker(database, now) == -9
    assert effects(database, tenant) == []
    assert worker(database, now) == 0  # it is due again in a while
    assert effects(database, tenant) == [("a", "2")]
    ends = [worker(database, now + n * wait) for n in range(1, MAX_ATTEMPTS + 1)]
    assert ends == [-9] * (MAX_ATTEMPTS - 1) + [0]
    assert states(database, tenant) == [
        ("poison", MAX_ATTEMPTS, False, True, "worker_died"),
        ("a", 1, True, False, ""),
        ("a", 1, True, False, ""),
    ]
    assert effects(database, tenant) == [("a", "2"), ("a", "1")]
