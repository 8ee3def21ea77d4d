"""A shop whose tickets are minted: messages handled and the ledger written to, step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from solders.pubkey import Pubkey

from cloud.keys.sealing import MasterKey
from cloud.ledger.values import Schema
from cloud.ledger.work import house as houses
from cloud.ledger.work.event_rows import Place
from cloud.ledger.work.house import House
from cloud.ledger.work.told import CONSUMER
from cloud.ledger.work.writer import Writer
from cloud.messages.consumer import Consumer
from cloud.orders import jobs
from tests.cloud.messages.post import dispatch
from tests.cloud.orders.shop import MASTER, TENANT, Class, Desk, Shop

BASE = "https://tickets.example"
ROUNDS = 40


class Clock:
    """The time, which a test may move."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        """Return it."""
        return datetime.now(UTC) + self.offset


class Mint:
    """What handles messages and writes."""

    def __init__(self, desk: Desk, house: House, clock: Clock) -> None:
        self.desk = desk
        self.house = house
        self.clock = clock
        self.writer = Writer(desk.pool, desk.shop.database.app_url, house, clock)

    async def told(self) -> None:
        """Have the ledger hear what was published."""
        orders = Consumer("orders", jobs.handlers(self.desk.provider))
        self.clock.offset += timedelta(seconds=1)  # what was just published is due
        await dispatch(self.desk.pool, TENANT, [orders, CONSUMER], self.clock())

    async def write(self, event: UUID) -> None:
        """Write until nothing is due."""
        for _ in range(ROUNDS):
            if Place(TENANT, event) not in await self.writer.due():
                return
            await self.writer.work(Place(TENANT, event))
        raise AssertionError("it never comes to rest")

    async def settle(self, event: UUID) -> None:
        """Hear and write."""
        await self.told()
        await self.write(event)


@asynccontextmanager
async def minting(shop: Shop, schema: Schema = Schema.V2) -> AsyncIterator[Mint]:
    """Open a shop with the ledger inside the service."""
    clock = Clock()
    async with (
        shop.open() as desk,
        houses.embedded(desk.pool, clock, MasterKey(MASTER), BASE, schema=schema) as house,
    ):
        yield Mint(desk, house, clock)


async def sold(desk: Desk, event: UUID, *orders: int) -> list[UUID]:
    """Sell tickets for nothing, in orders of so many; return the orders."""
    async with desk.tx() as tx:
        await desk.shop.issuers.begin(tx, event)
    made = []
    for who, quantity in enumerate(orders):
        order = await desk.hold(event, who, quantity=quantity)
        await desk.ask(order)
        made.append(order)
    return made


def free(shop: Shop, count: int = 50) -> UUID:
    """Make an event whose tickets cost nothing."""
    return shop.event(Class(price=0, count=count))


def assets(shop: Shop, event: UUID) -> list[Any]:
    """Return the rows of an event's assets with their tickets' states."""
    return shop.rows(
        "SELECT a.*, t.state, t.account_id FROM asset a JOIN ticket t"
        " USING (tenant_id, event_id, ticket_id) WHERE a.event_id = $1 ORDER BY a.number",
        event,
    )


def leaves(shop: Shop, event: UUID) -> list[Any]:
    """Return the leaves that the chain has of an event."""
    return shop.rows(
        "SELECT l.* FROM ledger_leaf l"
        " WHERE l.collection = (SELECT collection FROM asset_event WHERE event_id = $1)"
        " OR l.tree IN (SELECT address FROM asset_tree WHERE event_id = $1)"
        " ORDER BY l.tree, l.index",
        event,
    )


def key(raw: bytes) -> Pubkey:
    """Return an address."""
    return Pubkey.from_bytes(raw)


def check(shop: Shop, event: UUID) -> int:
    """Each good ticket has one asset, its owner's, and no leaf is nobody's; return how many."""
    rows, on_chain = assets(shop, event), leaves(shop, event)
    mine = {row["asset_id"]: row for row in rows if row["asset_id"] is not None}
    assert sorted(mine) == sorted(row["asset"] for row in on_chain)
    for leaf in on_chain:
        row = mine[leaf["asset"]]
        assert (leaf["owner"], leaf["burnt"]) == (row["owner"], row["burnt"])
        assert bool(leaf["flags"] & 2) == row["frozen"]
    good = [row for row in rows if row["state"] in ("active", "used", "listed", "purchased")]
    assert [row["number"] for row in good if row["asset_id"] is None or row["burnt"]] == []
    assert [r["number"] for r in rows if r["state"] == "refunded" and not r["burnt"]
            and r["asset_id"] is not None] == []  # fmt: skip
    paid = shop.rows(
        "SELECT count(*) AS n FROM ticket WHERE event_id = $1 AND state IN"
        " ('purchased', 'active', 'listed', 'used')",
        event,
    )[0]["n"]
    assert len(good) == paid
    assert {row["job_id"] for row in rows} <= {None}
    return len(good)
