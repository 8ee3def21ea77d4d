"""Tickets that are bought are minted, once; what becomes of them the ledger follows."""

from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from uuid import UUID

import pytest
from msgspec.structs import replace
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from cloud.hooks import repository as hooks
from cloud.hooks.repository import Endpoint
from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.values import Commitment
from cloud.ledger.web import reading, wallets
from cloud.ledger.work import acts, asset_rows
from cloud.ledger.work import writer as writer_module
from cloud.ledger.work.event_rows import Place
from cloud.ledger.work.house import House
from cloud.ledger.work.writer import STANDING, WATCH, Writer
from tests.cloud.database import awaited
from tests.cloud.ledger.work.mint import assets, check, free, key, leaves, minting, sold
from tests.cloud.orders.shop import TENANT, Class, Shop, buyer
from tests.cloud.orders.shop import shop as shop

HOURS = count(1)


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


def test_what_was_minted_is_told_where_somebody_listens(shop: Shop) -> None:
    """Each ticket once, with its asset; what nobody would hear is not said."""
    event = free(shop)
    told = (
        "SELECT t ->> 'ticket_id' AS ticket, t ->> 'asset_id' AS asset FROM outbox,"
        " jsonb_array_elements(payload -> 'tickets') t"
        " WHERE topic = 'tickets.minted' AND payload ->> 'event_id' = $1::text ORDER BY 1"
    )

    async def run() -> None:
        async with minting(shop) as mint:
            await sold(mint.desk, event, 2)
            await mint.settle(event)
            early = {row["ticket_id"] for row in assets(shop, event)}
            assert shop.rows(told, str(event)) == []
            async with mint.desk.tx() as tx:
                made = Endpoint(
                    event, "https://example.com/h", "CRM", ["tickets.minted"], b"sealed", None,
                    None, tx.now, None, "", 0, None,
                )  # fmt: skip
                assert await hooks.add(tx, made, 1)
            await sold(mint.desk, event, 3, 1)
            await mint.settle(event)
            async with mint.desk.tx() as tx:
                await hooks.remove(tx, event)
                await asset_rows.look(tx, event, numbers=(0, 50))
            await mint.settle(event)
            late = [row for row in assets(shop, event) if row["ticket_id"] not in early]
            said = sorted((str(row["ticket_id"]), str(key(row["asset_id"]))) for row in late)
            assert len(said) == 4
            assert [(row["ticket"], row["asset"]) for row in shop.rows(told, str(event))] == said

    awaited(run())


def test_nothing_is_spent_before_a_person_approves(shop: Shop) -> None:
    """Where trees cost money: neither for the collection nor for the tree, and the cost is told."""
    event = free(shop)

    async def run() -> None:
        async with minting(shop) as mint:
            mint.house = replace(mint.house, approves=False)
            mint.writer._house = mint.house
            await sold(mint.desk, event, 2)
            await mint.told()
            place = Place(TENANT, event)
            assert not await mint.writer.work(place)
            async with mint.desk.tx() as tx:
                told = await reading.event(tx, event)
                assert (told.fault, told.collection, told.minted) == ("tree_not_approved", None, 0)
                assert [tree.state for tree in told.trees] == ["planned"]
                assert told.trees[0].total > 0
                assert await tx.conn.fetchval("SELECT count(*) FROM ledger_job") == before
                assert await acts.approve(tx, event) == 1
            mint.clock.offset += STANDING
            await mint.write(event)

    (counted,) = shop.rows("SELECT count(*) AS n FROM ledger_job")
    before = counted["n"]
    awaited(run())
    assert check(shop, event) == 2
    jobs = shop.rows("SELECT kind FROM ledger_job WHERE event_id = $1 ORDER BY number", event)
    assert [row["kind"] for row in jobs] == ["collection", "tree", "mint"]


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


def test_who_stops_everything_stops_a_turn(shop: Shop) -> None:
    """Also one that has begun; and each event says why nothing goes on."""
    event, stop = free(shop), "UPDATE ledger_root SET paused = {}"

    async def run() -> None:
        async with minting(shop) as mint:
            await sold(mint.desk, event, 1)
            await mint.told()
            async with mint.desk.tx() as tx:
                await tx.conn.execute(stop.format("true"))
            assert await mint.writer.work(Place(TENANT, event))
            async with mint.desk.tx() as tx:
                told = await reading.event(tx, event)
                assert (told.fault, told.minted, told.waiting) == ("ledger_paused", 0, 1)
                await tx.conn.execute(stop.format("false"))
            await mint.write(event)
            async with mint.desk.tx() as tx:
                told = await reading.event(tx, event)
                assert (told.fault, told.minted, told.waiting) == ("", 1, 0)

    awaited(run())


def test_an_event_may_be_larger_than_any_tree(shop: Shop) -> None:
    """It begins with the largest that there is, and its next tree is planned when that fills."""
    event = shop.event(Class(price=0), Class(price=0))
    large = f"UPDATE ticket_class SET capacity = 1000000 WHERE event_id = '{event}'"
    shop.database.run(large)

    async def run() -> None:
        async with minting(shop) as mint:
            await sold(mint.desk, event, 2)
            await mint.settle(event)

    awaited(run())
    assert check(shop, event) == 2
    sql = "SELECT depth, (cost->>'tickets')::int AS tickets FROM asset_tree WHERE event_id = $1"
    (tree,) = shop.rows(sql, event)
    assert (tree["depth"], tree["tickets"]) == (20, 1 << 20)


def test_a_move_behind_our_back_is_a_review(shop: Shop) -> None:
    """A fan's own wallet gives the asset away: the ticket stays theirs, a person is asked, and
    what is to be undone is moved back by the collection's delegate."""
    event = free(shop)
    wallet, friend = Keypair(), Keypair()

    async def run() -> None:
        async with minting(shop) as mint:
            await sold(mint.desk, event, 1)
            async with mint.desk.tx() as tx:
                await wallets.link(tx, buyer(0), wallet.pubkey())
            await mint.settle(event)
            (row,) = assets(shop, event)
            assert key(row["owner"]) == wallet.pubkey()
            await give_away(mint.house, key(row["asset_id"]), wallet, friend.pubkey())
            mint.clock.offset += WATCH
            writer = Writer(mint.desk.pool, shop.database.app_url, mint.house, mint.clock)
            await writer.work(Place(TENANT, event))
            (row,) = assets(shop, event)
            assert (key(row["owner"]), row["held"]) == (friend.pubkey(), "review")
            assert (row["state"], row["account_id"]) == ("active", buyer(0))
            async with mint.desk.tx() as tx:
                (found,) = await reading.reviews(tx, event)
                assert (found.kind, found.owner) == ("moved", str(friend.pubkey()))
                assert await acts.settle(tx, event, row["asset_id"], "restore")
            mint.clock.offset += timedelta(seconds=1)
            await mint.write(event)
            assert key(leaves(shop, event)[0]["owner"]) == wallet.pubkey()

    awaited(run())
    assert check(shop, event) == 1


def test_looks_are_remembered_until_the_next_is_due(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an event that nobody looks at any more a process keeps nothing."""
    places = [Place(TENANT, free(shop)) for _ in range(3)]
    monkeypatch.setattr(writer_module, "time", times := SimpleNamespace(monotonic=lambda: 5.0))

    async def run() -> None:
        async with minting(shop) as mint:
            writer = Writer(mint.desk.pool, shop.database.app_url, mint.house, mint.clock)
            assert writer._is_time(places[0])
            for place in places[:2]:
                await writer._watch(place)
            assert not any(map(writer._is_time, places[:2]))
            times.monotonic = lambda: 6.0 + WATCH.total_seconds()
            assert all(map(writer._is_time, places))
            await writer._watch(places[2])
            assert list(writer._watched) == [places[2]]

    awaited(run())


@pytest.mark.parametrize("early", [True, False])
def test_what_was_left_is_burnt_with_its_ticket(shop: Shop, early: bool) -> None:
    """A person lets an asset be where its owner gave it, before or after the order is refunded: a
    ticket that was taken back leaves nobody an asset."""
    event = free(shop)
    wallet, friend = Keypair(), Keypair()

    async def run() -> None:
        async with minting(shop) as mint:
            mint.clock.offset = timedelta(hours=next(HOURS))  # no time of the chain's comes again
            await mint.house.begin()
            (order,) = await sold(mint.desk, event, 1)
            async with mint.desk.tx() as tx:
                await wallets.link(tx, buyer(0), wallet.pubkey())
            await mint.settle(event)
            (row,) = assets(shop, event)
            await give_away(mint.house, key(row["asset_id"]), wallet, friend.pubkey())
            mint.clock.offset += WATCH
            writer = Writer(mint.desk.pool, shop.database.app_url, mint.house, mint.clock)
            await writer.work(Place(TENANT, event))
            if early:
                await mint.desk.refund(order)
                await mint.settle(event)
            assert not leaves(shop, event)[0]["burnt"]
            async with mint.desk.tx() as tx:
                assert await acts.settle(tx, event, row["asset_id"], "leave")
            mint.clock.offset += timedelta(seconds=1)
            await mint.write(event)
            if not early:
                assert key(leaves(shop, event)[0]["owner"]) == friend.pubkey()
                await mint.desk.refund(order)
                await mint.settle(event)

    awaited(run())
    assert check(shop, event) == 0
    assert [row["burnt"] for row in leaves(shop, event)] == [True]


def test_what_others_did_before_us_is_not_what_is(shop: Shop) -> None:
    """An asset is given away, and the service moves it on before anybody has looked: that is a
    review, and the records say where the asset is now."""
    event = free(shop)
    wallet, friend, other = Keypair(), Keypair(), Keypair()

    async def run() -> None:
        async with minting(shop) as mint:
            mint.clock.offset = timedelta(hours=next(HOURS))  # no time of the chain's comes again
            await mint.house.begin()
            await sold(mint.desk, event, 1)
            async with mint.desk.tx() as tx:
                await wallets.link(tx, buyer(0), wallet.pubkey())
            await mint.settle(event)
            (row,) = assets(shop, event)
            await give_away(mint.house, key(row["asset_id"]), wallet, friend.pubkey())
            async with mint.desk.tx() as tx:
                await wallets.link(tx, buyer(0), other.pubkey())
                await acts.own(tx, buyer(0))
            mint.clock.offset += timedelta(seconds=1)
            await mint.write(event)
            assert key(leaves(shop, event)[0]["owner"]) == other.pubkey()
            mint.clock.offset += WATCH
            writer = Writer(mint.desk.pool, shop.database.app_url, mint.house, mint.clock)
            await writer.work(Place(TENANT, event))
            (row,) = assets(shop, event)
            assert (key(row["owner"]), row["held"]) == (other.pubkey(), "review")
            async with mint.desk.tx() as tx:
                (found,) = await reading.reviews(tx, event)
                assert (found.kind, found.owner) == ("moved", str(friend.pubkey()))

    awaited(run())
    assert check(shop, event) == 1


async def give_away(house: House, asset: Pubkey, owner: Keypair, to: Pubkey) -> None:
    """Move an asset by its owner's signature alone."""
    found, proof = await house.ledger.asset(asset), await house.ledger.proof(asset)
    assert found is not None
    assert proof is not None
    await house.chain.fund(owner.pubkey(), 10**9)  # type: ignore[attr-defined]
    parties = Parties(owner.pubkey(), owner.pubkey())
    moving = building.transfer(parties, found, proof, 0, to)
    newest = await house.chain.blockhash(Commitment.CONFIRMED)
    message = Message.new_with_blockhash([moving], owner.pubkey(), newest.value)
    raw = bytes(Transaction([owner], message, newest.value))
    assert await house.chain.send(raw) is None
