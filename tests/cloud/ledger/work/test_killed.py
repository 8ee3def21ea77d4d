"""kill -9 at every step of the worker: one asset a ticket, and no asset without a ticket."""

import random
from uuid import UUID

from tests.cloud.ledger.work.doomed import run
from tests.cloud.ledger.work.mint import check, free, leaves, sold
from tests.cloud.orders.shop import Desk, Shop
from tests.cloud.orders.shop import shop as shop

ORDERS = (9, 10, 1, 7, 3)  # tickets of each, eleven times over
TIMES = 11
KILLS = 30


def test_killed_at_any_step(shop: Shop) -> None:
    """330 tickets, of which some are given back on the way."""
    event = free(shop, 400)
    url = shop.database.app_url
    dice = random.Random()

    async def sell(desk: Desk) -> list[UUID]:
        return await sold(desk, event, *ORDERS)

    async def give_back(desk: Desk, order: UUID) -> None:
        await desk.refund(order)

    kills = 0
    for number in range(TIMES):
        orders = shop.run(sell)
        if number % 3 == 0:
            shop.run(lambda desk, order=orders[4]: give_back(desk, order))  # type: ignore[misc]
        if number % 3 == 1:
            kills += not run(url, dice.randrange(1, 60))
            shop.run(lambda desk, order=orders[0]: give_back(desk, order))  # type: ignore[misc]
        for _ in range(KILLS // TIMES):
            kills += not run(url, dice.randrange(1, 60))
    assert run(url, 0)
    assert kills > KILLS // 2
    kept = check(shop, event)
    back = given_back(shop, event)
    assert kept + back == 30 * TIMES
    assert len(leaves(shop, event)) >= kept


def given_back(shop: Shop, event: UUID) -> int:
    """Return how many tickets were given back."""
    sql = "SELECT count(*) AS n FROM ticket WHERE event_id = $1 AND state = 'refunded'"
    return int(shop.rows(sql, event)[0]["n"])
