"""Tickets that are bought are minted, once; what becomes of them the ledger follows."""

from uuid import UUID

from tests.cloud.database import awaited
from tests.cloud.ledger.work.mint import assets, check, free, key, leaves, minting, sold
from tests.cloud.orders.shop import Shop, buyer
from tests.cloud.orders.shop import shop as shop


def test_what_is_bought_is_minted_once(shop: Shop) -> None:
    """Each ticket has one asset, of its owner's address; heard twice, nothing more happens."""
    event = free(shop)

    async def run() -> None:
        async with minting(shop) as mint:
            await sold(mint.desk, event, 3, 9, 1)
            await mint.settle(event)
            assert check(shop, event) == 13
            await sold(mint.desk, event, 2)
            async with mint.desk.tx() as tx:
                from cloud.ledger.work import asset_rows

                await asset_rows.look(tx, event, numbers=(0, 50))
            await mint.settle(event)
            assert check(shop, event) == 15
            fans = {row["account_id"]: row["owner"] for row in assets(shop, event)}
            assert len(set(fans.values())) == len(fans) == 3
            mine = await mint.house.ledger.assets_by_owner(key(fans[buyer(1)]), None, 100)
            assert len(mine) == 9

    awaited(run())
    jobs = shop.rows("SELECT kind, state, raw FROM ledger_job WHERE event_id = $1", event)
    assert {(row["state"], row["raw"]) for row in jobs} == {("landed", None)}
    assert len([row for row in jobs if row["kind"] == "mint"]) <= 5


def test_refunds_burn(shop: Shop) -> None:
    """What was given back is burnt; what was given back before its mint never comes to be."""
    event = free(shop)

    async def run() -> list[UUID]:
        async with minting(shop) as mint:
            orders = await sold(mint.desk, event, 2, 2)
            early = (await sold(mint.desk, event, 1))[0]
            await mint.desk.refund(early)
            await mint.settle(event)
            assert len(leaves(shop, event)) == 4
            await mint.desk.refund(orders[0])
            await mint.settle(event)
            return orders

    awaited(run())
    assert check(shop, event) == 2
    assert [row["burnt"] for row in leaves(shop, event)].count(True) == 2
