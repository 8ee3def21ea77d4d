"""Real orders, placed and paid by the service's own functions, and what must follow from each.

An order is told to a webhook and to its buyer by mail; one in ten is given back, and told again.
"""

import asyncio
import itertools
import time
from collections.abc import Mapping
from typing import Final, LiteralString
from uuid import UUID

from tests.cloud.orders.shop import TENANT, Class, Desk, Shop

BUYERS: Final = 4  # at once
GIVEN_BACK: Final = 10  # one in so many
MAILS: Final = ["order", "refund"]
CALLS: Final = ["order.paid", "order.refunded"]
HOOK: Final = f"""
    SELECT set_config('app.tenant', '{TENANT}', false);
    INSERT INTO hook_endpoint (url, name, topics, sealed, created_at)
    VALUES ('https://example.com/', 'CRM', '{{}}', '', now());
"""
MAILED: Final[LiteralString] = """
    SELECT kind, (about->>'order_id')::uuid AS about FROM mail ORDER BY kind
"""
CALLED: Final[LiteralString] = """
    SELECT topic, (convert_from(body, 'UTF8')::jsonb->'data'->>'order_id')::uuid AS about
      FROM hook_delivery ORDER BY topic
"""
OVERTAKEN: Final[LiteralString] = """
    SELECT key FROM inbox a JOIN inbox b USING (tenant_id, consumer, key)
     WHERE a.message_id < b.message_id AND a.done_at >= b.done_at
"""
LEFT: Final[LiteralString] = """
    SELECT (SELECT count(*) FROM outbox WHERE done_at IS NULL),
           (SELECT count(*) FROM inbox WHERE done_at IS NULL),
           (SELECT 2 * count(*) FROM outbox WHERE topic IN ('order.paid', 'order.refunded'))
         - (SELECT count(*) FROM inbox WHERE done_at IS NOT NULL)
"""
WAITING: Final[LiteralString] = """
    SELECT '' AS consumer, message_id, topic, due_at, attempts, fault, dead_at, clock_timestamp()
      FROM outbox WHERE done_at IS NULL
     UNION ALL
    SELECT consumer, message_id, topic, due_at, attempts, fault, dead_at, clock_timestamp()
      FROM inbox WHERE done_at IS NULL
     ORDER BY message_id LIMIT 20
"""


def opened(shop: Shop, many: int) -> UUID:
    """Make an event that so many can take a ticket of, and a webhook."""
    shop.database.run(HOOK)
    return shop.event(Class(price=0, count=many))


async def bought(desk: Desk, event: UUID, many: int) -> dict[UUID, bool]:
    """Buy so many tickets, one an order, by several buyers at once; return the orders, and
    whether each was given back."""
    async with desk.tx() as tx:
        await desk.shop.issuers.begin(tx, event)  # as publishing does
    orders: dict[UUID, bool] = {}
    numbers = itertools.count()

    async def line() -> None:
        while (number := next(numbers)) < many:
            order = await desk.hold(event, number % 1000)
            await desk.ask(order)
            if number % GIVEN_BACK == 0:
                await desk.refund(order)
            orders[order] = number % GIVEN_BACK == 0

    await asyncio.gather(*(line() for _ in range(BUYERS)))
    return orders


async def all_told(shop: Shop, within: float) -> None:
    """Wait until both consumers have had every message, so many seconds at the most."""
    end = time.monotonic() + within
    while tuple(shop.rows(LEFT)[0]) != (0, 0, 0):
        assert time.monotonic() < end, [dict(row) for row in shop.rows(WAITING)]
        await asyncio.sleep(0.2)


def check(shop: Shop, orders: Mapping[UUID, bool]) -> None:
    """Each order has led to a mail and a call, and, given back, to another of each, later."""
    for sql, words in ((MAILED, MAILS), (CALLED, CALLS)):
        told: dict[UUID, list[str]] = {}
        for what, order in (tuple(row) for row in shop.rows(sql)):
            told.setdefault(order, []).append(what)
        wanted = {order: words[: 1 + back] for order, back in orders.items()}
        assert [each for each in wanted if told.pop(each, None) != wanted[each]] == []
        assert told == {}
    assert shop.rows(OVERTAKEN) == []
