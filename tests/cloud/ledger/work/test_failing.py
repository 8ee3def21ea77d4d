"""Transactions that land and fail: each costs its fee, so none is repeated at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from cloud.ledger.work import house as houses
from cloud.ledger.work.event_rows import Place
from cloud.ledger.work.writer import STANDING
from tests.cloud.database import awaited
from tests.cloud.ledger.work.books import Standing, check_books, standing
from tests.cloud.ledger.work.mint import BASE, Mint, check, free, minting, sold
from tests.cloud.orders.shop import TENANT, Shop
from tests.cloud.orders.shop import shop as shop

ENOUGH = 10**9  # lamports
POOR = "UPDATE ledger_account SET lamports = 0 WHERE length(data) = 0"


@pytest.mark.parametrize(
    ("little", "why", "made"),
    [(1_000_000, "collection: Custom 1", 0), (5_000_000, "tree: Custom 1", 1)],
)
def test_what_fails_for_all_is_not_made_at_once_again(
    shop: Shop, little: int, why: str, made: int
) -> None:
    """The payer has too little: one fee is gone and booked, the event stands, and says why. With
    more it goes on by itself."""
    event = free(shop)
    shop.database.run(POOR)
    place = Place(TENANT, event)

    async def run() -> None:
        async with minting(shop) as opened:
            opened.clock.offset = timedelta(hours=made)  # no time of the chain's comes again
            keys, payer = opened.house.keys, opened.house.keys.parties.payer
            chain: Any = opened.house.chain  # that of the service gives lamports
            mint = Mint(opened.desk, houses.over(chain, keys, BASE), opened.clock)
            await chain.fund(payer, little)
            before = standing(shop, payer)
            await sold(mint.desk, event, 1)
            await mint.told()
            for _ in range(2):
                assert not await mint.writer.work(place)
                assert fault(shop, event) == why
                assert landed(shop, before) == made + 1
                await sold(mint.desk, event, 1)  # which wakes it
                await mint.told()
                assert place in await mint.writer.due()
            assert not await mint.writer.work(place)
            assert landed(shop, before) == made + 1
            check_books(shop, event, payer, before, mints=0)
            await chain.fund(payer, ENOUGH)
            before = replace(before, payer=before.payer + ENOUGH)
            assert place not in await mint.writer.due()
            mint.clock.offset += STANDING + timedelta(seconds=1)
            await mint.write(event)
            assert (fault(shop, event), check(shop, event)) == ("", 3)
            check_books(shop, event, payer, before, mints=3)

    awaited(run())


def fault(shop: Shop, event: UUID) -> str:
    """Return why an event stands."""
    sql = "SELECT fault FROM asset_event WHERE event_id = $1"
    return str(shop.rows(sql, event)[0]["fault"])


def landed(shop: Shop, before: Standing) -> int:
    """Return how many transactions landed since."""
    sql = "SELECT FROM ledger_transaction WHERE position > $1"
    return len(shop.rows(sql, before.position))
