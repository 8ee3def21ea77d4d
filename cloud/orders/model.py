"""Orders: their states, their prices, and what a class allows. Pure.

HELD → PAYING → PAID is the main road. A hold ends as LAPSED or CANCELLED, and even then a
payment that was under way may arrive: it buys the tickets if they are still free, and is
returned if not. PAID stays so while some of the tickets are given back; once all are, the
order is REFUNDING until the provider has given back everything.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID


class State(StrEnum):
    """Stored: renaming a value is a migration."""

    HELD = "held"
    PAYING = "paying"
    PAID = "paid"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class Act(StrEnum):
    """What happens to an order."""

    ASK = "ask"  # the buyer asks to pay
    PAY = "pay"
    LAPSE = "lapse"
    CANCEL = "cancel"
    GIVE_BACK = "give_back"  # its last ticket
    SETTLE = "settle"  # everything owed was paid back
    BOUNCE = "bounce"  # and some of it came back


S, A = State, Act
OPEN: Final = frozenset({S.HELD, S.PAYING})
DONE: Final = frozenset({S.PAID, S.REFUNDING, S.REFUNDED})

TABLE: Final[Mapping[tuple[State, Act], State]] = {
    (S.HELD, A.ASK): S.PAYING,
    (S.PAYING, A.ASK): S.PAYING,
    (S.HELD, A.PAY): S.PAID,  # it was free, or the news of the payment came first
    (S.PAYING, A.PAY): S.PAID,
    (S.LAPSED, A.PAY): S.PAID,  # late, and the tickets were still free
    (S.CANCELLED, A.PAY): S.PAID,
    (S.HELD, A.LAPSE): S.LAPSED,
    (S.PAYING, A.LAPSE): S.LAPSED,
    (S.HELD, A.CANCEL): S.CANCELLED,
    (S.PAYING, A.CANCEL): S.CANCELLED,
    (S.PAID, A.GIVE_BACK): S.REFUNDING,
    (S.REFUNDING, A.SETTLE): S.REFUNDED,
    (S.REFUNDED, A.BOUNCE): S.REFUNDING,
}


class IllegalAct(ValueError):
    """The table has no such step."""


def advance(state: State, act: Act) -> State:
    """Return the state after `act`."""
    try:
        return TABLE[state, act]
    except KeyError:
        raise IllegalAct(f"{act} while {state}") from None


class Terms(NamedTuple):
    """What a class sells, and how."""

    price: int
    per_order: int
    sale_from: datetime | None
    sale_until: datetime | None
    withdrawn: bool


class Offer(NamedTuple):
    """An event as a buyer meets it, with its classes by index."""

    state: str
    currency: str
    ends_at: datetime
    fee_bps: int
    fee_fixed: int
    classes: Mapping[int, Terms]


class Wanted(NamedTuple):
    """What somebody asks for: a number of tickets of a class, or seats."""

    class_index: int
    quantity: int
    seats: tuple[str, ...] | None = None


class Priced(NamedTuple):
    """Tickets of one class as the order will hold them. `price` and `fee` are of each."""

    class_index: int
    quantity: int
    seats: tuple[str, ...] | None
    price: int
    fee: int


class Unsellable(NamedTuple):
    """Why an item can't be held; `item` is its place in the request."""

    code: str
    item: int = 0
    limit: int = 0


def fee(price: int, bps: int, fixed: int) -> int:
    """Return the platform's part of a ticket's price, rounded half up, never above it."""
    if price == 0:
        return 0
    return min(price, (price * bps + 5_000) // 10_000 + fixed)


def priced(offer: Offer, wanted: Sequence[Wanted], now: datetime) -> list[Priced] | Unsellable:
    """Return the items of an order in the order of their classes, or the first objection."""
    if offer.state != "published" or now >= offer.ends_at:
        return Unsellable("event_not_on_sale")
    for place, item in enumerate(wanted):
        terms = offer.classes.get(item.class_index)
        if terms is None:
            return Unsellable("class_unknown", place)
        if terms.withdrawn or not _on_sale(terms, now):
            return Unsellable("sale_closed", place)
        if item.quantity > terms.per_order:
            return Unsellable("per_order_limit", place, terms.per_order)
    return [_price(offer, item) for item in sorted(wanted, key=lambda item: item.class_index)]


def _on_sale(terms: Terms, now: datetime) -> bool:
    began = terms.sale_from is None or terms.sale_from <= now
    return began and (terms.sale_until is None or now < terms.sale_until)


def _price(offer: Offer, item: Wanted) -> Priced:
    price = offer.classes[item.class_index].price
    return Priced(*item, price, fee(price, offer.fee_bps, offer.fee_fixed))


class Item(NamedTuple):
    """One ticket of an order."""

    line: int
    class_index: int
    ticket_id: UUID
    seat: str | None
    price: int
    fee: int
    refunded: bool


class Share(NamedTuple):
    """What goes back to the buyer, and how much of it the platform gives."""

    amount: int
    fee: int


def share(items: Sequence[Item]) -> Share:
    """Return what these tickets are worth back: what was paid for each, to the last cent."""
    return Share(sum(item.price for item in items), sum(item.fee for item in items))


class Verdict(StrEnum):
    """What a payment that was received is good for."""

    BUYS = "buys"  # the order's own tickets, which are held
    BUYS_LATE = "buys_late"  # the same, if they are still free
    WRONG_AMOUNT = "wrong_amount"
    OTHER_PAYMENT = "other_payment"  # not the one that the order waits for
    ALREADY_PAID = "already_paid"
    EVENT_OFF = "event_off"


class Due(NamedTuple):
    """What an order waits for."""

    state: State
    total: int
    currency: str
    intent: str | None
    event_state: str


def judge(due: Due, intent: str, received: int, currency: str) -> Verdict:
    """Say what `received` by the payment `intent` is good for."""
    if due.state in DONE:
        return Verdict.ALREADY_PAID
    if due.intent not in (None, intent):
        return Verdict.OTHER_PAYMENT
    if (received, currency) != (due.total, due.currency):
        return Verdict.WRONG_AMOUNT
    if due.event_state != "published":
        return Verdict.EVENT_OFF
    return Verdict.BUYS if due.state in OPEN else Verdict.BUYS_LATE
