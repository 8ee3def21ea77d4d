"""Holds on a real database: nothing is oversold, and nothing is taken for sold that is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from cloud.errors import Refusal
from cloud.orders.model import State, Wanted
from tests.cloud.orders.shop import TENANT, Class, Desk, Shop
from tests.cloud.orders.shop import shop as shop

BUYERS = 40


async def tried(desk: Desk, *wanted: object, **more: object) -> str:
    """Return "held", or the code of the refusal."""
    try:
        await desk.hold(*wanted, **more)  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.code
    return "held"


@pytest.mark.parametrize(("seats", "quantity"), [(20, 1), (20, 2), (21, 2), (20, 3)])
def test_exactly_what_is_there_is_held(shop: Shop, seats: int, quantity: int) -> None:
    """Many buyers at once on many connections hold as many as fit, and no ticket twice."""
    event = shop.event(Class(count=seats))

    async def race(desk: Desk) -> list[str]:
        asked = [tried(desk, event, n, quantity=quantity) for n in range(BUYERS)]
        return await asyncio.gather(*asked)

    outcomes = shop.run(race)
    assert outcomes.count("held") == seats // quantity
    assert set(outcomes) <= {"held", "sold_out"}
    held = shop.database.rows(
        "SELECT order_id, count(*) AS n FROM ticket WHERE event_id = $1 AND state = 'reserved'"
        " GROUP BY order_id",
        event,
    )
    assert [row["n"] for row in held] == [quantity] * (seats // quantity)


def test_holds_of_two_classes_do_not_deadlock(shop: Shop) -> None:
    """Buyers of two classes, named in either order, get both or neither."""
    event = shop.event(Class(count=10), Class(count=10))

    async def one(desk: Desk, number: int) -> str:
        wanted = [Wanted(0, 2), Wanted(1, 2)]
        try:
            await desk.place(event, number, wanted[:: 1 if number % 2 else -1])
        except Refusal as refusal:
            return refusal.code
        return "held"

    async def race(desk: Desk) -> list[str]:
        return await asyncio.gather(*(one(desk, n) for n in range(BUYERS)))

    outcomes = shop.run(race)
    assert outcomes.count("held") == 5
    assert shop.tickets(event) == {"reserved": 20}


class Undone(Exception):
    """Rolls back."""


@asynccontextmanager
async def locked(desk: Desk, event: UUID) -> AsyncIterator[None]:
    """Have somebody lock two tickets, who in the end does not take them."""
    async with desk.tx() as tx:
        with suppress(Undone):
            async with tx.conn.transaction():
                await tx.conn.execute("SELECT lock_free($1, 0, 2, NULL)", event)
                yield
                raise Undone


@pytest.mark.parametrize("quantity", [1, 2])
def test_what_is_rolled_back_is_not_sold(shop: Shop, quantity: int) -> None:
    """A buyer who finds the last tickets locked gets them if the other rolls back. Meanwhile he
    waits for no lock: he may hold some himself, on what was sold while he looked."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> str:
        async with locked(desk, event):
            second = asyncio.create_task(tried(desk, event, 1, quantity=quantity))
            for _ in range(30):
                await asyncio.sleep(0.01)
                waiting = await asyncio.to_thread(
                    shop.database.rows, "SELECT relation::regclass FROM pg_locks WHERE NOT granted"
                )
                assert (waiting, second.done()) == ([], False)
        return await second

    assert shop.run(scene) == "held"


def test_nobody_is_told_sold_out_of_what_is_not_sold(shop: Shop) -> None:
    """A buyer who finds the last tickets locked for long is asked to try again."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> None:
        async with locked(desk, event):
            with pytest.raises(asyncpg.LockNotAvailableError):
                await tried(desk, event, 1, quantity=1)

    shop.run(scene)
    assert shop.tickets(event) == {"created": 2}


def test_a_refusal_says_what_is_left(shop: Shop) -> None:
    """`sold_out` says how many are left, and nothing stays locked or changed."""
    event = shop.event(Class(count=3))

    async def scene(desk: Desk) -> Refusal:
        with pytest.raises(Refusal) as raised:
            await desk.hold(event, quantity=4)
        await desk.hold(event, quantity=3)
        return raised.value

    refusal = shop.run(scene)
    assert (refusal.code, refusal.field) == ("sold_out", "/items/0")
    assert refusal.facts == {"left": 3}


def test_a_seat_is_held_by_one(shop: Shop) -> None:
    """Of two who want the same seat one gets it; the other is told which is taken."""
    event = shop.event(Class(count=4, seated=True))

    async def scene(desk: Desk) -> list[Refusal]:
        refused = []
        for who, seats in enumerate((["S1", "S3"], ["S2", "S3"], ["S2", "S9"], ["S2", "S4"])):
            try:
                await desk.hold(event, who, seats=seats)
            except Refusal as refusal:
                refused.append(refusal)
        return refused

    refused = shop.run(scene)
    assert [(each.code, each.facts["seats"]) for each in refused] == [
        ("seats_taken", ["S3"]),
        ("seats_taken", ["S9"]),
    ]
    assert shop.tickets(event) == {"reserved": 4}


def test_an_account_holds_so_many_at_a_time(shop: Shop) -> None:
    """Even at once, an account opens no more holds for an event than it may."""
    event = shop.event(Class(count=20))

    async def race(desk: Desk) -> list[str]:
        return await asyncio.gather(*(tried(desk, event, 7, most=3) for _ in range(10)))

    assert sorted(shop.run(race)) == ["held"] * 3 + ["hold_limit"] * 7


def test_holds_lapse(shop: Shop) -> None:
    """After its time a hold lapses: its tickets are free, and the history says why."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> State:
        order = await desk.hold(event, quantity=2)
        await desk.sweep()
        assert shop.tickets(event) == {"reserved": 2}
        shop.now += timedelta(seconds=601)
        await asyncio.gather(desk.sweep(), desk.sweep())  # two workers
        assert await desk.topics(order) == ["order.lapsed"]
        return (await desk.order(order)).state

    assert shop.run(scene) is State.LAPSED
    assert shop.tickets(event) == {"created": 2}
    moves = shop.database.rows(
        "SELECT move, reason, actor FROM ticket_move WHERE event_id = $1 AND move <> 'create'"
        " ORDER BY move_id",
        event,
    )
    assert [tuple(row) for row in moves] == [
        ("hold", "", "test"),
        ("hold", "", "test"),
        ("release", "lapse", "worker"),
        ("release", "lapse", "worker"),
    ]


@pytest.mark.parametrize(("currency", "expected"), [("eur", 63 + 30), ("jpy", 63)])
def test_a_fixed_fee_is_of_its_currency(shop: Shop, currency: str, expected: int) -> None:
    """Thirty cents are not thirty yen: where none is set for a currency, none is taken."""
    event = shop.event(Class(price=2500), currency=currency)

    async def scene(desk: Desk) -> UUID:
        return await desk.hold(event)

    order = shop.run(scene)
    sql = "SELECT fee FROM purchase_item WHERE order_id = $1"
    assert [row["fee"] for row in shop.rows(sql, order)] == [expected]


def test_another_tenant_holds_nothing_of_ours(shop: Shop) -> None:
    """The function that holds sees the entered tenant's tickets alone."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> list[object]:
        async with desk.tx(TENANT) as tx:
            ours = await tx.conn.fetchval("SELECT lock_free($1, 0, 9, NULL)", event)
        async with desk.tx(type(event)(int=2)) as tx:
            theirs = await tx.conn.fetchval("SELECT lock_free($1, 0, 9, NULL)", event)
        return [len(ours), len(theirs)]

    assert shop.run(scene) == [2, 0]
