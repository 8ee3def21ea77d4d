"""Whose requests go first, and what becomes of the others."""

import asyncio

import pytest

from cloud.http.bulkheads import WAITED, Places
from cloud.http.shedding import Bounds, Group, Load, Verdict, bounds_of, group_of, judge

GATES, SALES, BROWSING = Group
BOUNDS = Bounds(3, 2, {SALES: 4, BROWSING: 2}, {SALES: 60.0, BROWSING: 60.0})


@pytest.mark.parametrize(
    ("access", "tag", "method", "group"),
    [
        ("device", "devices", "GET", GATES),
        ("scope", "checkins", "POST", GATES),
        ("scope", "checkins", "GET", BROWSING),
        ("anyone", "health", "GET", GATES),
        ("fan", "orders", "POST", SALES),
        ("anyone", "payments", "POST", SALES),
        ("anyone", "sessions", "POST", SALES),
        ("anyone", "events", "GET", BROWSING),
        ("", "", "GET", BROWSING),
    ],
)
def test_each_route_is_somebodys(access: str, tag: str, method: str, group: Group) -> None:
    assert group_of(access, frozenset({tag}), method) is group


@pytest.mark.parametrize(
    ("group", "load", "verdict"),
    [
        (GATES, Load(99, 99, 99, 99.0), Verdict.GO),
        (BROWSING, Load(0, 1), Verdict.GO),
        (BROWSING, Load(0, 2), Verdict.WAIT),  # the third place is not for browsing
        (SALES, Load(0, 2), Verdict.GO),
        (SALES, Load(2, 1), Verdict.WAIT),
        (BROWSING, Load(0, 1, waiting=1), Verdict.WAIT),  # behind who came before
        (BROWSING, Load(0, 2, waiting=2), Verdict.FULL),
        (SALES, Load(3, 0, waiting=4), Verdict.FULL),
        (BROWSING, Load(late=1.0), Verdict.LATE),
        (SALES, Load(late=1.0), Verdict.GO),
    ],
)
def test_what_becomes_of_a_request(group: Group, load: Load, verdict: Verdict) -> None:
    assert judge(group, load, BOUNDS) is verdict


@pytest.mark.parametrize("connections", range(1, 10))
def test_a_connection_is_left_for_gates_where_there_are_two(connections: int) -> None:
    bounds = bounds_of(connections)
    assert 1 <= bounds.browsing <= bounds.places <= max(1, connections - 1)


def test_a_free_place_is_for_sales_first() -> None:
    async def go() -> list[str]:
        places, order = Places(BOUNDS), list[str]()

        async def come(group: Group) -> None:
            assert await places.enter(group) == ""
            order.append(group)

        for group in (BROWSING, BROWSING, SALES):
            await come(group)
        async with asyncio.TaskGroup() as waiting:
            for group in (BROWSING, SALES):
                waiting.create_task(come(group))
                await asyncio.sleep(0)
            assert await places.enter(GATES) == ""
            places.leave(BROWSING)
            await asyncio.sleep(0.01)
            assert order[3:] == [SALES]
            places.leave(SALES)
        return order

    assert asyncio.run(go())[3:] == [SALES, BROWSING]


def test_who_waits_in_vain_takes_no_place_along() -> None:
    """Neither who waited too long nor who went away holds what he never had."""

    async def go() -> None:
        short = {SALES: 0.01, BROWSING: 0.01}
        places = Places(BOUNDS._replace(waits=short))
        for _ in range(2):
            await places.enter(BROWSING)
        assert await places.enter(BROWSING) == WAITED
        gone = asyncio.create_task(places.enter(BROWSING))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        for _ in range(2):
            places.leave(BROWSING)
        assert [await places.enter(BROWSING) for _ in range(2)] == ["", ""]
        assert await places.enter(BROWSING) == WAITED

    asyncio.run(go())
