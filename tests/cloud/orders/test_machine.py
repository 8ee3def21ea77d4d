"""Buyers, payments, news, refunds and outages in any order: what must hold whatever happens.

A machine of Hypothesis drives the real database and the real fake of the provider. At its end
the worker finishes what it can; then every payment bought tickets or went back, never both and
never neither, no more tickets are sold than there are, and the books agree with the provider.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cloud.errors import Refusal
from cloud.orders.model import State
from cloud.payments.objects import Intent
from tests.cloud.orders.shop import Class, Desk, Shop
from tests.cloud.orders.shop import shop as shop

T = TypeVar("T")
SEATS: Final = 5
PLACES: Final = st.integers(0, 9)  # in a list, counted round
CARDS: Final = st.sampled_from(
    ["pm_card_visa", "pm_card_pendingRefund", "pm_card_visa_chargeDeclined"]
)
SOLD: Final = ("purchased", "minted", "active", "listed", "used")


class Trade(RuleBasedStateMachine):
    """One event, its buyers, and everything that may become of their orders."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.opened: AbstractAsyncContextManager[Desk] = self.shop.open(2)
        self.desk = self.do(self.opened.__aenter__())
        self.event = self.shop.event(Class(count=SEATS), Class(count=2, seated=True, price=4000))
        self.orders: list[UUID] = []
        self.letters: list[tuple[str, Intent]] = []
        self.off = False

    def do(self, work: Awaitable[T]) -> T:
        """Run to the end."""

        async def done() -> T:
            return await work

        return self.loop.run(done())

    def tried(self, work: Awaitable[T]) -> T | None:
        """Run to the end; what is refused changes nothing."""
        try:
            return self.do(work)
        except Refusal:
            return None

    def pick(self, place: int) -> UUID | None:
        """Return one of the orders."""
        return self.orders[place % len(self.orders)] if self.orders else None

    @rule(who=st.integers(0, 3), quantity=st.integers(1, 3))
    def hold(self, who: int, quantity: int) -> None:
        """Somebody holds tickets."""
        if order := self.tried(self.desk.hold(self.event, who, quantity=quantity)):
            self.orders.append(order)

    @rule(who=st.integers(0, 3), seats=st.sampled_from([["S1"], ["S2"], ["S1", "S2"]]))
    def hold_seats(self, who: int, seats: list[str]) -> None:
        """Somebody holds seats."""
        if order := self.tried(self.desk.hold(self.event, who, class_index=1, seats=seats)):
            self.orders.append(order)

    @rule(who=st.integers(0, 3), quantity=st.integers(1, 3))
    def buy(self, who: int, quantity: int) -> None:
        """Somebody holds and pays, and the news comes at once."""
        if order := self.tried(self.desk.hold(self.event, who, quantity=quantity)):
            self.orders.append(order)
            self.pay(len(self.orders) - 1, "pm_card_visa")
            self.deliver(len(self.letters) - 1, again=False)

    @rule(place=PLACES, card=CARDS)
    def pay(self, place: int, card: str) -> None:
        """Somebody pays, or tries to; the news is under way."""
        if (order := self.pick(place)) and self.tried(self.desk.ask(order)):
            intent = self.do(self.desk.order(order)).intent or ""
            self.letters.append((f"evt_{uuid4().hex}", self.do(self.desk.card(intent, card))))

    @rule(place=PLACES)
    def begin(self, place: int) -> None:
        """Somebody begins to pay, and no more."""
        if order := self.pick(place):
            self.tried(self.desk.ask(order))

    @rule(place=PLACES)
    def pay_late(self, place: int) -> None:
        """Somebody completes a payment that was begun, whatever became of the order."""
        order = self.pick(place)
        intent = self.do(self.desk.order(order)).intent if order else None
        if intent:
            self.letters.append((f"evt_{uuid4().hex}", self.do(self.desk.card(intent))))

    @rule(place=PLACES, exact=st.booleans())
    def pay_otherwise(self, place: int, exact: bool) -> None:
        """A payment comes that the order did not ask for, of its sum or of another."""
        if order := self.pick(place):
            total = self.do(self.desk.order(order)).total
            amount = total if exact else 99
            metadata = {"tenant": str(self.shop.tenant), "order": str(order)}
            made = self.do(
                self.desk.provider.create_intent(
                    amount=amount, currency="eur", metadata=metadata, key=uuid4().hex
                )
            )
            # Nobody but its webhook knows of it, so this one is not lost.
            paid = self.do(self.desk.card(made.id))
            self.do(self.desk.hear(paid))
            self.letters.append((f"evt_{uuid4().hex}", paid))

    @rule(place=PLACES, again=st.booleans())
    def deliver(self, place: int, again: bool) -> None:
        """News arrives: once or twice, in any order; what is never picked is lost."""
        if self.letters:
            event, told = self.letters[place % len(self.letters)]
            for _ in range(2 if again else 1):
                self.do(self.desk.hear(told, event))

    @rule(seconds=st.sampled_from([61, 601]))
    def wait(self, seconds: int) -> None:
        """Time passes, and the worker sweeps."""
        self.shop.now += timedelta(seconds=seconds)
        self.do(self.desk.sweep())

    @rule(who=st.integers(0, 3), quantity=st.integers(1, 3))
    def overtake(self, who: int, quantity: int) -> None:
        """A hold lapses, somebody else takes the tickets, and then its payment comes."""
        self.hold(who, quantity)
        late = len(self.orders) - 1
        self.wait(601)
        self.hold(who + 4, quantity)
        self.pay_otherwise(late, exact=True)

    @rule()
    def work(self) -> None:
        """The worker handles messages."""
        self.do(self.desk.work())

    @rule(place=PLACES)
    def give_up(self, place: int) -> None:
        """Somebody gives a hold up."""
        if order := self.pick(place):
            self.tried(self.desk.give_up(order))

    @rule(place=PLACES, parts=st.lists(st.booleans(), min_size=1, max_size=3))
    def refund(self, place: int, parts: list[bool]) -> None:
        """An order is given back: its first ticket, or all that is left, one after the other."""
        if order := self.pick(place):
            tickets = self.do(self.desk.tickets(order))
            for first in parts:
                self.tried(self.desk.refund(order, tickets[:1] if first else None))

    @precondition(lambda self: len(self.orders) > 3 and not self.off)
    @rule()
    def call_off(self) -> None:
        """The event is cancelled: all that was paid goes back, and so does what is paid now."""
        self.off = True
        self.do(self.desk.call_off(self.event))

    @rule(who=st.integers(0, 3), kind=st.sampled_from(["outage_before", "outage_after"]))
    def outage(self, who: int, kind: str) -> None:
        """The provider fails at a refund of a part, before or after it has paid."""
        self.buy(who, 2)
        self.refund(len(self.orders) - 1, [True])
        self.shop.fake.test("faults", kind=kind, path="/v1/refunds", requests=1)
        self.do(self.desk.work())
        self.shop.fake.http.delete("/_test/faults")

    def teardown(self) -> None:
        """Let a worker that has just begun finish, and look."""
        try:
            self.do(self.opened.__aexit__(None, None, None))
            self.opened = self.shop.open(2)  # its breaker knows of no outage
            self.desk = self.do(self.opened.__aenter__())
            for _ in range(3):
                self.shop.now += timedelta(hours=2)
                self.shop.fake.test("clock", advance=7200)  # refunds that take a while have ended
                self.do(self.desk.sweep())
                self.do(self.desk.work())
            self.check()
        finally:
            self.do(self.opened.__aexit__(None, None, None))
            self.loop.close()

    def check(self) -> None:
        """Judge how everything ended."""
        states = self.shop.tickets(self.event)
        assert sum(states.values()) == SEATS + 2
        assert "reserved" not in states
        kept = sum(self.check_order(order) for order in self.orders)
        balances = self.shop.balances()
        assert sum(balances.values()) == 0
        assert balances.get("refunds", 0) == 0
        assert sum(states.get(state, 0) for state in SOLD) <= SEATS + 2
        assert kept == 0 if self.off else kept >= 0

    def check_order(self, order_id: UUID) -> int:
        """Judge one order; return what the provider keeps of its payments."""
        order = self.do(self.desk.order(order_id))
        assert order.state not in (State.HELD, State.PAYING, State.REFUNDING)
        rows = self.shop.rows(
            "SELECT intent FROM payment WHERE order_id = $1 AND state = 'received'", order_id
        )
        kept = 0
        for row in rows:
            paid = self.do(self.desk.provider.retrieve(row["intent"])).amount_received
            gone = self.do(self.desk.provider.retrieve_refunds(row["intent"]))
            kept += paid - sum(refund.amount for refund in gone)
        worth = sum(
            row["price"]
            for row in self.shop.rows(
                "SELECT i.price FROM purchase_item i JOIN ticket t"
                " ON (t.ticket_id, t.order_id) = (i.ticket_id, i.order_id)"
                " WHERE i.order_id = $1 AND t.state = 'active' AND t.token IS NOT NULL",
                order_id,
            )
        )
        assert kept == worth, "an order keeps the price of the tickets that it gave, and no more"
        assert kept == (order.total - order.refunded if order.paid_at else 0)
        return kept


def test_no_order_of_things_loses_money_or_tickets(shop: Shop) -> None:
    """Whatever happens in whatever order: each payment has its tickets or went back whole."""
    Trade.shop = shop
    examples = settings().max_examples // 5
    look = settings(max_examples=examples, stateful_step_count=20)
    run_state_machine_as_test(Trade, settings=look)


def test_the_provider_and_the_books_agree(shop: Shop) -> None:
    """After all of it, what the books say the provider holds is what the provider holds."""

    async def held(desk: Desk) -> int:
        total = 0
        for row in shop.rows("SELECT intent FROM payment WHERE state = 'received'"):
            intent = await desk.provider.retrieve(row["intent"])
            refunds = await desk.provider.retrieve_refunds(row["intent"])
            total += intent.amount_received - sum(refund.amount for refund in refunds)
        return total

    event = shop.event()
    shop.run(lambda desk: desk.paid(event))
    assert shop.balances()["processor"] == shop.run(held)
