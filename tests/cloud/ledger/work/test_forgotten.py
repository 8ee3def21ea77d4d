"""Nodes that have forgotten every signature by the time they are asked: what was done is in the
histories, and neither done again nor missing in the books."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.signature import Signature

from cloud.ledger.ports import Chain
from cloud.ledger.values import Commitment, Schema, Status
from cloud.ledger.web import wallets
from cloud.ledger.work import acts
from cloud.ledger.work import house as houses
from tests.cloud.database import awaited
from tests.cloud.ledger.work.books import check_books, standing
from tests.cloud.ledger.work.mint import BASE, Mint, check, free, leaves, minting, sold
from tests.cloud.orders.shop import Shop, buyer
from tests.cloud.orders.shop import shop as shop

PATIENCE = 60  # seconds: who doesn't find what it made makes it again for ever
LATER = 1000  # blocks, after which nothing that was signed can land


class Forgetful:
    """A chain that knows no signature, and whose height is past all that is signed."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def height(self, commitment: Commitment) -> int:
        """Return one that is far ahead."""
        return await self._chain.height(commitment) + LATER

    async def statuses(
        self, signatures: Sequence[Signature], *, surely: bool = False
    ) -> list[Status | None]:
        """Know nothing."""
        return [None for _ in signatures]


@pytest.mark.parametrize("schema", Schema)
def test_what_nodes_forgot_is_found(shop: Shop, schema: Schema) -> None:
    """A collection, a tree, mints, moves and an end: each once, and each booked once."""
    v2 = schema is Schema.V2
    event = free(shop)

    async def run() -> None:
        async with asyncio.timeout(PATIENCE), minting(shop, schema) as mint:
            await mint.house.begin()
            chain: Any = Forgetful(mint.house.chain)
            old = Mint(mint.desk, houses.over(chain, mint.house.keys, BASE, schema), mint.clock)
            payer = mint.house.keys.parties.payer
            before = standing(shop, payer)
            orders = await sold(mint.desk, event, 3, 4)
            await old.settle(event)
            assert check(shop, event) == 7
            await mint.desk.refund(orders[0])
            async with mint.desk.tx() as tx:
                await wallets.link(tx, buyer(1), Keypair().pubkey())
                await acts.own(tx, buyer(1))
            mint.clock.offset += timedelta(seconds=1)
            await old.settle(event)
            assert check(shop, event) == 4
            assert len(leaves(shop, event)) == 7
            mints, transfers = (7, 4) if v2 else (0, 0)  # for which a protocol takes something
            check_books(shop, event, payer, before, mints=mints, transfers=transfers)

    awaited(run())
    jobs = shop.rows("SELECT kind, state FROM ledger_job WHERE event_id = $1", event)
    assert {row["state"] for row in jobs} == {"landed"}
    assert sorted(row["kind"] for row in jobs if row["kind"] != "mint") == [
        "burn", "burn", "burn", *["collection"] * v2,
        "transfer", "transfer", "transfer", "transfer", "tree",
    ]  # fmt: skip
