"""kill -9 at every step of the worker: one asset a ticket, and no asset without a ticket."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from solders.pubkey import Pubkey

from cloud.keys.sealing import MasterKey
from cloud.ledger.work import house as houses
from cloud.ledger.work.planning import LAMPORTS
from tests.cloud.ledger.rpc.facade.running import Facade, running
from tests.cloud.ledger.work.books import booked, check_books, standing
from tests.cloud.ledger.work.doomed import now, run
from tests.cloud.ledger.work.mint import check, free, leaves, sold
from tests.cloud.orders.shop import MASTER, Desk, Shop
from tests.cloud.orders.shop import shop as shop

ORDERS: Final = (9, 10, 1, 7, 3)  # tickets of each, several times over
STEPS: Final = 40  # a process lives for fewer
LIES: Final = ("cut", "twice", "cut", "drop", "deaf")
LATEST: Final = 150.0  # seconds until what was dropped has been sent again
OPEN: Final = """
    SELECT (SELECT count(*) FROM asset WHERE due_at IS NOT NULL OR job_id IS NOT NULL)
         + (SELECT count(*) FROM ledger_job WHERE state IN ('signed', 'review')) AS n
"""


def ordeal(
    shop: Shop,
    event: UUID,
    times: int,
    kills: int,
    go: Callable[[int], bool],
    orders: Sequence[int] = ORDERS,
) -> int:
    """Sell, give some back, and kill who mints, again and again; return how often it was."""
    dice = random.Random()
    killed = 0

    async def sell(desk: Desk) -> list[UUID]:
        return await sold(desk, event, *orders)

    for number in range(times):
        made = shop.run(sell)
        if number % 3 == 0:
            give_back(shop, made[4])
        for _ in range(kills):
            killed += not go(dice.randrange(1, STEPS))
        if number % 3 == 1:
            give_back(shop, made[0])
    return killed


def give_back(shop: Shop, order: UUID) -> None:
    """Refund an order."""

    async def refund(desk: Desk) -> None:
        await desk.refund(order)

    shop.run(refund)


def counted(shop: Shop, event: UUID) -> int:
    """Check that all is as it shall be; return how many tickets were sold."""
    kept = check(shop, event)
    sql = "SELECT count(*) AS n FROM ticket WHERE event_id = $1 AND state = 'refunded'"
    assert len(leaves(shop, event)) >= kept
    return kept + int(shop.rows(sql, event)[0]["n"])


def test_killed_at_any_step(shop: Shop) -> None:
    """330 tickets, of which some are given back on the way."""
    event, url = free(shop, 400), shop.database.app_url
    killed = ordeal(shop, event, 11, 1, lambda steps: run(url, steps))
    assert run(url, 0)
    assert killed > 3
    assert counted(shop, event) == 330
    assert booked(shop, event) == {}  # a ledger of our own takes nothing that is anybody's


def test_killed_while_a_node_lies(shop: Shop) -> None:
    """300 tickets over JSON-RPC: what was sent has landed and nobody said so, landed twice, or was
    dropped though it was taken; and who sent it is killed. The books say what it all took."""
    event, url = free(shop, 400), shop.database.app_url
    lies = iter(LIES * 20)

    with running(url) as facade:
        payer = fund(shop, facade)
        before = standing(shop, payer)

        def go(steps: int) -> bool:
            facade.fault("sendTransaction", next(lies), times=2)
            return run(url, steps, facade.address)

        killed = ordeal(shop, event, 5, 2, go, ORDERS * 2)
        facade.tell(clear=True)
        end = time.monotonic() + LATEST
        while shop.rows(OPEN)[0]["n"] and time.monotonic() < end:
            run(url, 0, facade.address)
            time.sleep(0.2)
        assert facade.met("sendTransaction") > 0
    assert killed
    assert counted(shop, event) == 300
    check_books(shop, event, payer, before, mints=len(leaves(shop, event)))


def fund(shop: Shop, facade: Facade) -> Pubkey:
    """Give the payer what a test network gives, and return it."""

    async def find() -> Pubkey:
        pool = await shop.database.pool()
        try:
            return (await houses.keys_of(pool, MasterKey(MASTER), now())).parties.payer
        finally:
            await pool.close()

    payer = asyncio.run(find())
    answer = facade.ask("requestAirdrop", [str(payer), 100 * LAMPORTS])
    assert "error" not in answer, answer
    return payer
