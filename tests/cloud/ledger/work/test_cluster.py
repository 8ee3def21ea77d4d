"""The cluster that was written to first is the one that is written to: an event stands where nodes
are of another, and says so."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from cloud.ledger.faults import LedgerUntrusted
from cloud.ledger.rpc.chain import RpcChain
from cloud.ledger.rpc.cluster import Cluster
from cloud.ledger.work import house as houses
from tests.cloud.database import awaited
from tests.cloud.ledger.work.mint import check, free, minting, sold
from tests.cloud.orders.shop import Shop
from tests.cloud.orders.shop import shop as shop

FIRST, OTHER = bytes([5]) * 32, bytes([6]) * 32


class Nodes:
    """Nodes of one cluster, that count how often they were asked for it."""

    def __init__(self, genesis: bytes) -> None:
        self._genesis = genesis
        self.asked = 0

    async def genesis(self) -> bytes:
        """Say which."""
        self.asked += 1
        return self._genesis


def test_the_first_cluster_stays(shop: Shop) -> None:
    """It is asked for once; whoever starts later, and finds others named, keeps to it."""

    async def run() -> None:
        async with minting(shop) as mint:
            pool, now = mint.desk.pool, mint.clock()
            nodes, others = Nodes(FIRST), Nodes(OTHER)
            for told in (nodes, others):
                cluster = Cluster()
                for _ in range(2):
                    await houses.pin(pool, now, cast("RpcChain", cast("Any", told)), cluster)
                assert cluster.genesis == FIRST
                with pytest.raises(LedgerUntrusted, match="rpc_cluster"):
                    cluster.check(OTHER)
            assert (nodes.asked, others.asked) == (1, 0)

    awaited(run())


def test_an_event_stands_while_nodes_are_of_another(shop: Shop) -> None:
    """Nothing is signed, and why is told; it goes on where they are of the right one again."""
    event = free(shop)

    async def run() -> None:
        async with minting(shop) as mint:
            good = mint.house

            async def begin() -> None:
                Cluster(FIRST).check(OTHER)

            mint.writer._house = replace(good, begin=begin)
            await sold(mint.desk, event, 2)
            await mint.told()
            assert not await mint.writer.work((await mint.writer.due())[0])
            (row,) = shop.rows("SELECT fault FROM asset_event WHERE event_id = $1", event)
            assert row["fault"] == "rpc_cluster"
            assert shop.rows("SELECT FROM ledger_job WHERE event_id = $1", event) == []
            mint.writer._house = good
            mint.clock.offset *= 100
            await mint.write(event)

    awaited(run())
    assert check(shop, event) == 2
