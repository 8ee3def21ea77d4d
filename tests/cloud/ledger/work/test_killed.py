"""kill -9 at every step of the worker: one asset a ticket, and no asset without a ticket."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from itertools import count, pairwise
from typing import Final
from uuid import UUID

import pytest
from solders.pubkey import Pubkey

from cloud.keys.sealing import MasterKey
from cloud.ledger.bubblegum.programs import PAIRS
from cloud.ledger.values import Schema
from cloud.ledger.work import house as houses
from cloud.ledger.work.planning import LAMPORTS
from tests.cloud.ledger.rpc.facade.running import Facade, running
from tests.cloud.ledger.work.books import booked, check_books, standing
from tests.cloud.ledger.work.doomed import now, run
from tests.cloud.ledger.work.mint import check, free, leaves, sold
from tests.cloud.orders.shop import MASTER, TENANT, Desk, Shop
from tests.cloud.orders.shop import shop as shop

ORDERS: Final = (9, 10, 1, 7, 3)  # tickets of each, several times over
STEPS: Final = 40  # a process lives for fewer
LIES: Final = ("cut", "twice", "cut", "drop", "deaf")
GROWN: Final = """
    SELECT set_config('app.tenant', '{tenant}', false), set_config('app.actor', 'test', false),
           set_config('app.move', 'create', false);
    UPDATE ticket_class SET capacity = 60 WHERE event_id = '{event}';
    INSERT INTO ticket (event_id, number, class_index, state)
    SELECT '{event}', n - 1, 0, 'created' FROM generate_series(8, 60) n;
"""
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
    steps = deaths(times * kills, random.Random())
    killed = 0

    async def sell(desk: Desk) -> list[UUID]:
        return await sold(desk, event, *orders)

    for number in range(times):
        made = shop.run(sell)
        if number % 3 == 0:
            give_back(shop, made[4])
        for _ in range(kills):
            killed += not go(steps.pop())
        if number % 3 == 1:
            give_back(shop, made[0])
    return killed


def deaths(count: int, dice: random.Random) -> list[int]:
    """Return so many steps, by lot and yet spread over all; the last, of the first to die while
    there is most to do, is one of the earliest: processes may live for fewer than any other."""
    bounds = [1 + (STEPS - 1) * number // count for number in range(count + 1)]
    earliest, *others = (dice.randrange(*each) for each in pairwise(bounds))
    dice.shuffle(others)
    return [*others, earliest]


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


def test_killed_at_any_step_of_v1(shop: Shop) -> None:
    """120 tickets in trees of the older generation, which burn by their owners' kept keys."""
    event, url = free(shop, 200), shop.database.app_url
    killed = ordeal(shop, event, 4, 2, lambda steps: run(url, steps, schema=Schema.V1))
    assert run(url, 0, schema=Schema.V1)
    assert killed
    assert counted(shop, event) == 120
    assert {row["schema"] for row in leaves(shop, event)} == {"v1"}


@pytest.mark.parametrize(("schema", "times"), [(Schema.V2, 5), (Schema.V1, 2)])
def test_killed_while_a_node_lies(shop: Shop, schema: Schema, times: int) -> None:
    """60 tickets, several times, over JSON-RPC: what was sent has landed and nobody said so, landed
    twice, or was dropped though it was taken; and who sent it is killed. The books say what it all
    took, which of V1 no protocol does."""
    event, url = free(shop, 400), shop.database.app_url
    lies = iter(LIES * 20)

    with running(url) as facade:
        payer = fund(shop, facade)
        before = standing(shop, payer)

        def go(steps: int) -> bool:
            facade.fault("sendTransaction", next(lies), times=2)
            return run(url, steps, facade.address, schema)

        killed = ordeal(shop, event, times, 2, go, ORDERS * 2)
        facade.tell(clear=True)
        end = time.monotonic() + LATEST
        run(url, 0, facade.address, schema)  # the last refund may be open, and heard by nobody yet
        while shop.rows(OPEN)[0]["n"] and time.monotonic() < end:
            time.sleep(0.2)
            run(url, 0, facade.address, schema)
        assert facade.met("sendTransaction") > 0
    assert killed
    assert counted(shop, event) == 60 * times
    minted = leaves(shop, event)
    assert {row["schema"] for row in minted} == {schema.value}
    paid = len(minted) if schema is Schema.V2 else 0
    check_books(shop, event, payer, before, mints=paid)


def test_killed_while_another_tree_is_made(shop: Shop) -> None:
    """An event outgrows its first tree, and who makes the second is killed at each step of it,
    while the first has room: each ticket has one asset, in one of two trees."""
    event, url = free(shop, 7), shop.database.app_url
    before = on_chain(shop)

    async def sell(desk: Desk, *orders: int) -> None:
        await sold(desk, event, *orders)

    shop.run(lambda desk: sell(desk, 3))
    assert run(url, 0)
    assert trees(shop, event) == [("open", 3, 3)]
    shop.database.run(GROWN.format(tenant=TENANT, event=event))
    shop.run(lambda desk: sell(desk, 4, 6))
    seen = []
    for steps in count(1):
        if run(url, steps):
            break
        seen.append(trees(shop, event))
    assert [each for each in seen if each == [("open", 3, 3), ("approved", 5, 0)]]
    assert check(shop, event) == 13
    (_, _, first), (_, _, second) = trees(shop, event)
    assert first + second == 13
    assert second > 0
    assert on_chain(shop) - before == {
        (row["address"], row["minted"])
        for row in shop.rows("SELECT * FROM asset_tree WHERE event_id = $1", event)
    }


def trees(shop: Shop, event: UUID) -> list[tuple[str, int, int]]:
    """Return the state, depth and leaves of each tree, as the worker knows them."""
    rows = shop.rows("SELECT * FROM asset_tree WHERE event_id = $1 ORDER BY tree_no", event)
    return [(row["state"], row["depth"], row["minted"]) for row in rows]


def on_chain(shop: Shop) -> set[tuple[bytes, int]]:
    """Return the trees that the chain has, with their leaves, whoever knows of them."""
    program = bytes(PAIRS[Schema.V2].compression)
    return {
        (row["address"], row["leaves"])
        for row in shop.rows(
            "SELECT address, (SELECT count(*) FROM ledger_leaf WHERE tree = address) AS leaves"
            " FROM ledger_account WHERE owner = $1",
            program,
        )
    }


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
