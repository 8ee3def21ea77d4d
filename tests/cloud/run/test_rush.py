"""Five hundred buyers for a hundred tickets, at a whole service with several processes."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from itertools import cycle
from typing import Final

from tests.cloud.run.market import (
    BAD_CARD,
    PRICE,
    SOLD,
    Crowd,
    Market,
    balances,
    check,
    market,
    open_http,
    settled,
)  # fmt: skip
from tests.cloud.run.served import HOLD, Served, until

BUYERS: Final = 500
TICKETS: Final = 100
LONG: Final = 300.0  # seconds; a loaded machine
DOCUMENTED: Final = {"payments_busy", "payments_away", "busy", "overloaded", "unavailable"}
COUNT: Final = "SELECT count(*) AS n FROM ticket WHERE event_id = $1 AND state = ANY ($2)"


class Way(StrEnum):
    """How a buyer behaves."""

    PAYS = "pays"
    DECLINED_FIRST = "is declined, then pays with another card"
    DECLINED = "is declined, and goes away"
    TWICE = "pays again, by a payment that nobody asked for"
    LATE = "pays when the hold is over"
    NEVER = "begins to pay, and goes away"
    GIVES_UP = "holds, and gives it up"


REFUSED: Final = (402, 400)  # declined, or too late: the hold had lapsed
STUBBORN: Final = (Way.PAYS, Way.DECLINED_FIRST)  # they come again where all is held


def test_a_hundred_are_sold_and_all_money_is_accounted_for(house: Served) -> None:
    """Whatever buyers do: exactly 100 are sold, each to one of them, and whoever has no ticket
    was refused or has the money back; the books agree with the provider."""
    place = market(house, TICKETS)

    def sold() -> int:
        return int(house.one_row(COUNT, place.event, list(SOLD))["n"])

    crowd = asyncio.run(_rush(place, list(house.tokens(BUYERS).values()), sold))
    until(lambda: settled(house), LONG)
    assert sold() == TICKETS
    check(house)
    assert balances(house, place.tenant)["processor"] == TICKETS * PRICE
    assert {status for status, _ in crowd.answers} <= {200, 201, 409, 503}, crowd.answers
    assert {code for status, code in crowd.answers if status == 503} <= DOCUMENTED
    assert crowd.lost == 0
    assert crowd.answers[409, "sold_out"] > TICKETS, "this was no rush"


async def _rush(place: Market, tokens: list[str], sold: Callable[[], int]) -> Crowd:
    with open_http() as http:
        async with http:
            crowd = Crowd(place, http)
            over = asyncio.Event()
            ways = zip(tokens, cycle(Way), strict=False)
            buyers = [asyncio.create_task(_buyer(crowd, *each, over)) for each in ways]
            async with asyncio.timeout(LONG):
                await _seen(sold)
                over.set()
                await asyncio.gather(*buyers)
            return crowd


async def _seen(sold: Callable[[], int]) -> None:
    while True:
        if await asyncio.to_thread(sold) >= TICKETS:
            return
        await asyncio.sleep(0.5)


async def _buyer(crowd: Crowd, token: str, way: Way, over: asyncio.Event) -> None:
    """Try until there is nothing left to buy; the stubborn also where their hold has lapsed."""
    while not over.is_set():
        if order := await crowd.hold(token):
            if await _has_done(crowd, token, way, order) or way not in STUBBORN:
                return
        elif way not in STUBBORN:
            return
        else:
            await asyncio.sleep(3)


async def _has_done(crowd: Crowd, token: str, way: Way, order: str) -> bool:
    """Go one's way with a hold; return whether it was bought."""
    if way is Way.GIVES_UP:
        await crowd.ask(token, "DELETE", order)
    elif intent := await crowd.begin(token, order):
        return await WAYS[way](crowd, token, order, intent)
    return False


async def _pays(crowd: Crowd, token: str, order: str, intent: str) -> bool:
    await crowd.card(intent)
    return await crowd.ended(token, order) == "paid"


async def _declined_first(crowd: Crowd, token: str, order: str, intent: str) -> bool:
    assert await crowd.card(intent, BAD_CARD) in REFUSED
    return await _pays(crowd, token, order, intent)


async def _declined(crowd: Crowd, _token: str, _order: str, intent: str) -> bool:
    assert await crowd.card(intent, BAD_CARD) in REFUSED
    return False


async def _twice(crowd: Crowd, token: str, order: str, intent: str) -> bool:
    paid, *_ = await asyncio.gather(
        _pays(crowd, token, order, intent), crowd.card(intent), crowd.begin(token, order)
    )
    metadata = {
        "metadata[tenant]": str(crowd.place.tenant),
        "metadata[order]": order.rpartition("/")[2],
    }
    form = {"amount": str(PRICE), "currency": "eur", "confirm": "true"}
    form["payment_method"] = "pm_card_visa"
    again = await crowd.provider("/v1/payment_intents", form | metadata)
    assert again.status_code == 200, again.text
    return paid


async def _late(crowd: Crowd, token: str, order: str, intent: str) -> bool:
    await asyncio.sleep(HOLD - 0.5)
    return await _pays(crowd, token, order, intent)


async def _never(_crowd: Crowd, _token: str, _order: str, _intent: str) -> bool:
    """Go away."""
    return False


WAYS: Final = {
    Way.PAYS: _pays,
    Way.DECLINED_FIRST: _declined_first,
    Way.DECLINED: _declined,
    Way.TWICE: _twice,
    Way.LATE: _late,
    Way.NEVER: _never,
}
