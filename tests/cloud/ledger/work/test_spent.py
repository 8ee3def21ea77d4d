"""What an event has spent, by kind and beside the estimate: the books' sums, and the chain's."""

import random

from msgspec.structs import replace
from solders.keypair import Keypair

from cloud.ledger.web import spending, wallets
from cloud.ledger.web.shapes import SpentOut
from cloud.ledger.work import acts
from tests.cloud.database import awaited
from tests.cloud.ledger.work.books import (
    MINT,
    SIGNATURE,
    TRANSFER,
    check_books,
    standing,
)
from tests.cloud.ledger.work.mint import Mint, check, free, minting, sold
from tests.cloud.orders.shop import Shop, buyer
from tests.cloud.orders.shop import shop as shop


async def told(mint: Mint, event: object) -> SpentOut:
    """Read it."""
    async with mint.desk.tx() as tx:
        return await spending.spent(tx, event)  # type: ignore[arg-type]


def test_each_kind_has_its_sum(shop: Shop) -> None:
    """Founding, minting, moving and burning; another event's are not in it; nor, of the embedded
    ledger, anything at all."""
    event, other, unbooked = free(shop), free(shop), free(shop)

    async def run() -> None:
        async with minting(shop) as mint:
            await sold(mint.desk, unbooked, 2)
            await mint.settle(unbooked)
            nothing = await told(mint, unbooked)
            assert (nothing.spent, nothing.total, nothing.minting) == ([], 0, 0)
            assert nothing.estimate > nothing.foreseen > 0
            mint.house = replace(mint.house, booked=True)
            mint.writer._house = mint.house
            await sold(mint.desk, other, 1)
            await mint.settle(other)
            payer = mint.house.keys.parties.payer
            before = standing(shop, payer)
            order = (await sold(mint.desk, event, 4, 3))[1]
            await mint.settle(event)
            first = await told(mint, event)
            async with mint.desk.tx() as tx:
                await wallets.link(tx, buyer(0), Keypair.from_seed(random.randbytes(32)).pubkey())
                await acts.own(tx, buyer(0))
            await mint.write(event)
            await mint.desk.refund(order)
            await mint.settle(event)
            check_books(shop, event, payer, before, mints=7, transfers=4)
            found = await told(mint, event)
            by = {each.kind: each for each in found.spent}
            assert list(by) == ["collection", "tree", "mint", "transfer", "burn"]
            mints = by["mint"]
            assert (mints.protocol, mints.deposits) == (7 * MINT, 0)
            assert mints.fees == mints.transactions * SIGNATURE
            moves = by["transfer"]
            assert (moves.transactions, moves.protocol) == (4, 4 * TRANSFER)
            assert by["burn"].total == by["burn"].transactions * SIGNATURE == 3 * SIGNATURE
            assert by["tree"].deposits > by["collection"].deposits > 0
            after = standing(shop, payer)
            assert found.total == before.payer - after.payer == sum(e.total for e in found.spent)
            assert found.minting == first.total == first.minting
            # The collection and the tree sign their transactions too, and seven mints are fewer.
            assert abs(found.minting - found.foreseen) <= 3 * SIGNATURE
            assert found.foreseen < found.estimate

    awaited(run())
    assert check(shop, event) == 4


def test_a_failure_is_counted(shop: Shop) -> None:
    """It took its fee, and is one of the transactions."""
    event = free(shop)

    async def run() -> None:
        async with minting(shop) as mint:
            mint.house = replace(mint.house, booked=True)
            mint.writer._house = mint.house
            await sold(mint.desk, event, 1)
            await mint.settle(event)
            async with mint.desk.tx() as tx:
                await tx.conn.execute(
                    "UPDATE ledger_job SET state = 'failed' WHERE event_id = $1 AND kind = 'mint'",
                    event,
                )
                found = await spending.spent(tx, event)
            assert [each.failed for each in found.spent] == [0, 0, 1]

    awaited(run())
