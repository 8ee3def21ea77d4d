"""Tickets are locked in the order of their ids, so that nobody waits in a circle.

Somebody holds one ticket. Whoever waits for it must not have locked any that comes later:
guest lists, gates' uploads and redeems lock in that order, and would wait for those in turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from cloud.events.jobs import sweep_ended
from cloud.privacy import repository as privacy
from tests.cloud.orders.shop import Class, Desk, Shop
from tests.cloud.orders.shop import shop as shop
from tests.cloud.waiting import WAITS

Orders = Sequence[UUID]
FIRST = "SELECT FROM ticket WHERE ticket_id = $1 FOR NO KEY UPDATE"
LATER = """
    SELECT FROM ticket WHERE ticket_id = ANY ($1) AND ticket_id > $2
     ORDER BY ticket_id FOR NO KEY UPDATE NOWAIT
"""
EACH = 8  # tickets


async def held(desk: Desk, event: UUID) -> Orders:
    """Two holds, the older first."""
    return [await desk.hold(event, who, quantity=EACH) for who in range(2)]


async def bought(desk: Desk, event: UUID) -> Orders:
    """Two paid orders, as they are worked off."""
    return sorted([await desk.paid(event, who, quantity=EACH) for who in range(2)])


async def lapse(desk: Desk, orders: Orders, event: UUID) -> None:
    """Let both holds end."""
    desk.shop.now += timedelta(seconds=601)
    await desk.sweep()


async def give_up(desk: Desk, orders: Orders, event: UUID) -> None:
    """Let go of one hold."""
    await desk.give_up(orders[-1])


async def pay(desk: Desk, orders: Orders, event: UUID) -> None:
    """Buy what one hold holds."""
    await desk.ask(orders[-1])
    intent = (await desk.order(orders[-1])).intent or ""
    await desk.hear(await desk.card(intent))


async def refund(desk: Desk, orders: Orders, event: UUID) -> None:
    """Give one order back."""
    await desk.refund(orders[-1])


async def call_off(desk: Desk, orders: Orders, event: UUID) -> None:
    """Give all orders back."""
    await desk.call_off(event)
    await desk.work()


async def expire(desk: Desk, orders: Orders, event: UUID) -> None:
    """Let an event's tickets expire."""
    async with desk.tx() as tx:
        await sweep_ended(tx)


async def erase(desk: Desk, orders: Orders, event: UUID) -> None:
    """Forget who has tickets."""
    owner = (await desk.order(orders[-1])).account_id
    async with desk.tx() as tx:
        await tx.conn.execute(privacy.TICKETS, owner, "nobody@example.org")


ACTS = [
    (held, lapse, {"created": 2 * EACH}),
    (held, give_up, {"created": EACH, "reserved": EACH}),
    (held, pay, {"active": EACH, "reserved": EACH}),
    (bought, refund, {"active": EACH, "refunded": EACH}),
    (bought, call_off, {"refunded": 2 * EACH}),
    (bought, expire, {"expired": 2 * EACH}),
    (bought, erase, {"active": 2 * EACH}),
]


@pytest.mark.parametrize(("scene", "act", "done"), ACTS, ids=[act.__name__ for _, act, _ in ACTS])
def test_who_waits_for_a_ticket_holds_none_that_comes_later(
    shop: Shop,
    scene: Callable[[Desk, UUID], Awaitable[Orders]],
    act: Callable[[Desk, Orders, UUID], Coroutine[None, None, None]],
    done: dict[str, int],
) -> None:
    """While it waits the later ones can be locked; then it does what it was to do."""
    event = shop.event(Class(count=2 * EACH))

    async def crossed(desk: Desk) -> None:
        orders = await scene(desk, event)
        tickets = [ticket for order in orders for ticket in await desk.tickets(order)]
        first = min(await desk.tickets(orders[-1]))
        await asyncio.to_thread(prepare, shop, event, act is expire)
        async with asyncio.TaskGroup() as group, desk.tx() as tx:
            await tx.conn.execute(FIRST, first)
            acting = group.create_task(act(desk, orders, event))
            while not (await asyncio.to_thread(shop.database.rows, WAITS))[0]["count"]:
                assert not acting.done()
                await asyncio.sleep(0.02)
            await tx.conn.execute(LATER, tickets, first)

    shop.run(crossed)
    assert shop.tickets(event) == done


def prepare(shop: Shop, event: UUID, over: bool) -> None:
    """Give every ticket a name, and let the event be over where its tickets shall expire."""
    sql = f"UPDATE ticket SET attendee = 'Ada' WHERE event_id = '{event}';"
    if over:
        sql += f"""
            UPDATE event SET state = 'ended', doors_at = doors_at - interval '2 years',
                   starts_at = starts_at - interval '2 years',
                   ends_at = ends_at - interval '2 years' WHERE event_id = '{event}';
        """
    shop.database.run(sql)
    shop.database.run("ANALYZE ticket")  # so few rows are read as they lie, in no order
