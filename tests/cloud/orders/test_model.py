"""Pure rules of orders: prices, fees, shares, states, and what a payment is good for."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.orders.model import (
    DONE,
    OPEN,
    TABLE,
    Act,
    Due,
    IllegalAct,
    Item,
    Offer,
    Priced,
    State,
    Terms,
    Unsellable,
    Verdict,
    Wanted,
    advance,
    fee,
    judge,
    priced,
    share,
)

NOW = datetime(2027, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRICES = st.integers(0, 100_000_000)
BPS = st.integers(0, 5_000)


@pytest.mark.parametrize(
    ("price", "bps", "fixed", "expected"),
    [
        (0, 250, 30, 0),  # nothing is taken of nothing
        (2500, 250, 30, 93),  # 62.5 is rounded up
        (2400, 250, 0, 60),
        (2419, 250, 0, 60),  # 60.475
        (2420, 250, 0, 61),  # 60.5
        (20, 250, 30, 20),  # never more than the price
        (1, 0, 0, 0),
    ],
)
def test_fees(price: int, bps: int, fixed: int, expected: int) -> None:
    """A fee is a share, rounded half up, and a fixed part; never above the price."""
    assert fee(price, bps, fixed) == expected


@given(PRICES, BPS, st.integers(0, 100_000))
def test_a_fee_is_the_exact_one_rounded(price: int, bps: int, fixed: int) -> None:
    """No fee differs from the exact share by more than half a cent, or exceeds the price."""
    taken = fee(price, bps, fixed)
    exact = Fraction(price * bps, 10_000) + fixed
    assert 0 <= taken <= price
    assert taken in (0, price) or abs(taken - exact) <= Fraction(1, 2)


@given(st.lists(st.tuples(PRICES, BPS), min_size=1, max_size=30), st.data())
def test_refunds_in_parts_sum_to_the_order(
    orders: list[tuple[int, int]], data: st.DataObject
) -> None:
    """However an order's tickets are split into refunds, amounts and fees sum to what was paid."""
    items = [
        Item(n, 0, UUID(int=n), None, price, fee(price, bps, 0), False)
        for n, (price, bps) in enumerate(orders)
    ]
    parts = data.draw(st.lists(st.integers(0, 4), min_size=len(items), max_size=len(items)))
    shares = [
        share([item for item, part in zip(items, parts, strict=True) if part == each])
        for each in range(5)
    ]
    assert sum(each.amount for each in shares) == share(items).amount
    assert sum(each.fee for each in shares) == share(items).fee
    assert all(0 <= each.fee <= each.amount for each in shares)


def terms(**given: Any) -> Terms:
    """Return a class on sale, but for what is given."""
    return Terms(2500, 4, None, None, False)._replace(**given)


def offer(**given: Any) -> Offer:
    """Return an event on sale, but for what is given."""
    made = Offer("published", "eur", NOW + HOUR, 250, 30, {0: terms(), 1: terms(price=0)})
    return made._replace(**given)


def test_items_are_priced_in_the_order_of_classes() -> None:
    """Locks are taken by class, whatever the order asked for."""
    found = priced(offer(), [Wanted(1, 1), Wanted(0, 2)], NOW)
    assert found == [Priced(0, 2, None, 2500, 93), Priced(1, 1, None, 0, 0)]


@pytest.mark.parametrize(
    ("event", "wanted", "expected"),
    [
        (offer(state="draft"), Wanted(0, 1), Unsellable("event_not_on_sale")),
        (offer(state="cancelled"), Wanted(0, 1), Unsellable("event_not_on_sale")),
        (offer(ends_at=NOW), Wanted(0, 1), Unsellable("event_not_on_sale")),
        (offer(), Wanted(7, 1), Unsellable("class_unknown", 1)),
        (offer(), Wanted(0, 5), Unsellable("per_order_limit", 1, 4)),
        (offer(classes={0: terms(withdrawn=True), 1: terms()}), Wanted(0, 1),
         Unsellable("sale_closed", 1)),
        (offer(classes={0: terms(sale_from=NOW + HOUR), 1: terms()}), Wanted(0, 1),
         Unsellable("sale_closed", 1)),
        (offer(classes={0: terms(sale_until=NOW), 1: terms()}), Wanted(0, 1),
         Unsellable("sale_closed", 1)),
    ],
)  # fmt: skip
def test_what_is_not_sold(event: Offer, wanted: Wanted, expected: Unsellable) -> None:
    """The first objection names the item to blame."""
    assert priced(event, [Wanted(1, 1), wanted], NOW) == expected


def test_a_sale_begins_and_ends_on_time() -> None:
    """`sale_from` is in the window, `sale_until` is not."""
    window = offer(classes={0: terms(sale_from=NOW, sale_until=NOW + HOUR)})
    sold = [
        isinstance(priced(window, [Wanted(0, 1)], NOW + shift), list)
        for shift in (-timedelta.resolution, timedelta(), HOUR - timedelta.resolution, HOUR)
    ]
    assert sold == [False, True, True, False]


def test_states_that_end_an_order_lead_nowhere_else() -> None:
    """Nothing but a bounce leaves REFUNDED, and what is paid never becomes free again."""
    assert {act for state, act in TABLE if state is State.REFUNDED} == {Act.BOUNCE}
    assert all(new in DONE for (state, _), new in TABLE.items() if state in DONE)
    assert all(advance(state, Act.PAY) is State.PAID for state in set(State) - DONE)


def test_an_illegal_act_is_an_error() -> None:
    """What the table lacks is a bug of the caller."""
    with pytest.raises(IllegalAct):
        advance(State.PAID, Act.LAPSE)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, Verdict.BUYS),
        ({"intent": None}, Verdict.BUYS),  # the news came before we knew
        ({"state": State.LAPSED}, Verdict.BUYS_LATE),
        ({"state": State.CANCELLED}, Verdict.BUYS_LATE),
        ({"total": 2501}, Verdict.WRONG_AMOUNT),
        ({"currency": "usd"}, Verdict.WRONG_AMOUNT),
        ({"intent": "pi_2"}, Verdict.OTHER_PAYMENT),
        ({"event_state": "cancelled"}, Verdict.EVENT_OFF),
        *(({"state": state}, Verdict.ALREADY_PAID) for state in sorted(DONE)),
    ],
)
def test_what_a_payment_is_good_for(changed: dict[str, Any], verdict: Verdict) -> None:
    """Only the order's own payment of the exact sum buys, and only once."""
    due = Due(State.PAYING, 2500, "eur", "pi_1", "published")
    assert judge(due._replace(**changed), "pi_1", 2500, "eur") is verdict
    assert State.PAYING in OPEN
