"""Without a broker: who dispatches is killed at random while orders are paid."""

import asyncio
import os
import random
from pathlib import Path
from typing import Final
from uuid import UUID

from tests.cloud.broker.serving import Told
from tests.cloud.database import awaited
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
