"""Tickets through everything that may happen to them, in any order, at the whole API.

tests/cloud/orders/test_machine.py does this for payments alone. Here the same tickets are also
handed over, scanned, taken back at the gate, and given back, while payments arrive now, late,
twice or never; and after each step all that must always hold is looked up in the database.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)  # fmt: skip

from tests.cloud.database import Database
from tests.cloud.run.trade import CAPACITY, Code, Trade
from tests.cloud.service import Service, good, running

HOLD: Final = 60  # seconds
PLACES: Final = st.integers(0, 30)  # in a list, counted round
BUYERS: Final = st.integers(0, 2)
CARDS: Final = st.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined"])
ADMITTING: Final = ("active", "listed", "used")
SOLD: Final = ("purchased", "minted", "active", "listed", "used", "expired")

COUNTS: Final = """
    SELECT state, count(*) AS n FROM ticket WHERE event_id = $1 AND tenant_id = $2 GROUP BY state
"""
HISTORY: Final = """
    SELECT t.ticket_id, t.state, t.gen, m.to_state, m.gen AS said FROM ticket t
      LEFT JOIN LATERAL (SELECT to_state, gen FROM ticket_move h
                          WHERE (h.tenant_id, h.event_id, h.ticket_id)
                              = (t.tenant_id, t.event_id, t.ticket_id)
                          ORDER BY move_id DESC LIMIT 1) m ON true
     WHERE t.event_id = $1 AND t.tenant_id = $2
       AND (t.state, t.gen) IS DISTINCT FROM (m.to_state, m.gen)
"""
UNBALANCED: Final = """
    SELECT journal_id FROM posting JOIN event e USING (tenant_id)
     WHERE e.event_id = $1 AND tenant_id = $2
     GROUP BY journal_id, posting.currency HAVING sum(amount) <> 0
"""
# What the provider holds by the books: what was received, less what was paid back.
HELD: Final = """
    SELECT (SELECT coalesce(sum(amount), 0) FROM posting
             WHERE tenant_id = $2 AND account = 'processor')::bigint AS booked,
           (SELECT coalesce(sum(received), 0) FROM payment WHERE tenant_id = $2)::bigint
         - (SELECT coalesce(sum(amount), 0) FROM refund
             WHERE tenant_id = $2 AND state = 'succeeded')::bigint AS held
     WHERE $1::uuid IS NOT NULL
"""
# Orders whose money is not what their tickets cost, less those that were given back.
MISPRICED: Final = """
    SELECT p.order_id, p.state, p.total, p.refunded,
           sum(i.price) FILTER (WHERE NOT i.refunded) AS kept,
           count(*) FILTER (WHERE NOT i.refunded AND t.state <> ALL (
               '{purchased,minted,active,listed,used,expired}')) AS lost
      FROM purchase p JOIN purchase_item i USING (tenant_id, order_id)
      JOIN ticket t ON (t.tenant_id, t.event_id, t.ticket_id)
                     = (i.tenant_id, i.event_id, i.ticket_id)
     WHERE p.event_id = $1 AND p.tenant_id = $2 AND p.paid_at IS NOT NULL
     GROUP BY 1, 2, 3, 4
    HAVING p.total - p.refunded <> coalesce(sum(i.price) FILTER (WHERE NOT i.refunded), 0)
        OR count(*) FILTER (WHERE NOT i.refunded AND t.state <> ALL (
               '{purchased,minted,active,listed,used,expired}')) > 0
"""
MOVES: Final = """
    SELECT DISTINCT move FROM ticket_move WHERE event_id = $1 AND tenant_id = $2
"""
HEARD: Final = """
    SELECT DISTINCT outcome FROM payment_event WHERE tenant_id = $2 AND $1::uuid IS NOT NULL
"""
OWNERS: Final = "SELECT ticket_id, account_id FROM ticket WHERE event_id = $1 AND tenant_id = $2"


@pytest.fixture(scope="module")
def patient(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The API with short holds, behind a clock that may be moved far."""
    folder: Path = tmp_path_factory.mktemp("lifecycle")
    with running(database, redis_url, folder, hold_seconds=HOLD) as served:
        yield served


class Lifecycle(RuleBasedStateMachine):
    """One event and all that may become of its tickets."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.fake = self.service.payments
        self.fake.test("mail", mode="hold", copies=1)
        self.trade = Trade(self.service)
        self.orders: list[tuple[int, str]] = []
        self.old: list[Code] = []  # of generations that are over
        self.entries: dict[str, str] = {}  # of tickets whose guest is inside
        self.cancelled = False

    def pick(self, place: int) -> tuple[int, str]:
        """Return one of the orders, with its buyer."""
        return self.orders[place % len(self.orders)]

    def tickets(self, *states: str) -> list[str]:
        """Return the tickets in one of these states."""
        return sorted(t for t, state in self.trade.states().items() if state in states)

    @initialize()
    def begin(self) -> None:
        """Somebody has tickets already: else most runs would be of holds that nobody pays."""
        self.buy(0, 2)

    @rule(who=BUYERS, quantity=st.integers(1, 2))
    def buy(self, who: int, quantity: int) -> None:
        """Somebody holds, pays, and has the tickets at once."""
        orders = len(self.orders)
        self.hold(who, quantity)
        if len(self.orders) > orders:
            self.pay(orders, "pm_card_visa", "now")

    @rule(who=BUYERS, quantity=st.integers(1, 3))
    def hold(self, who: int, quantity: int) -> None:
        """Somebody holds tickets."""
        answer = self.trade.hold(who, quantity)
        if answer.is_success:
            self.orders.append((who, answer.json()["order_id"]))
        else:
            assert answer.status_code == 409, answer.text

    @precondition(lambda self: self.orders)
    @rule(place=PLACES, card=CARDS, news=st.sampled_from(["now", "late", "twice", "lost"]))
    def pay(self, place: int, card: str, news: str) -> None:
        """Somebody pays or tries to; the news arrives now, late, twice or never."""
        who, order = self.pick(place)
        answer = self.trade.order(who, order, "payment")
        if not answer.is_success or not answer.json()["client_secret"]:
            return
        mode = {"now": "deliver", "twice": "deliver", "late": "hold", "lost": "drop"}[news]
        self.fake.test("mail", mode="hold" if mode == "deliver" else mode)
        self.service.pay(answer.json(), card)
        if mode == "deliver":
            for each in self.fake.test("flush")["sent"]:
                assert each["status"] == 200
                if news == "twice":
                    self.fake.test("redeliver", event=each["event"])

    @precondition(lambda self: self.orders)
    @rule(place=PLACES)
    def pay_what_was_begun(self, place: int) -> None:
        """Somebody completes a payment, whatever became of the order meanwhile."""
        _, order = self.pick(place)
        rows = self.service.database.rows(
            "SELECT intent FROM purchase WHERE order_id = $1 AND intent IS NOT NULL", order
        )
        for row in rows:
            path = f"/v1/payment_intents/{row['intent']}/confirm"
            self.fake.post(path, {"payment_method": "pm_card_visa"})

    @rule(order=st.sampled_from(["made", "reversed", "shuffled"]), lost=st.booleans())
    def news(self, order: str, lost: bool) -> None:
        """What the provider has to tell arrives, in some order."""
        sent = self.fake.test("flush", order=order, lost=lost)["sent"]
        assert {each["status"] for each in sent} <= {200}

    @rule(seconds=st.sampled_from([1, HOLD + 1]))
    def wait(self, seconds: int) -> None:
        """Time passes, holds lapse, the worker works."""
        self.trade.wait(seconds)
        self.service.work()

    @precondition(lambda self: self.orders)
    @rule(place=PLACES)
    def give_up(self, place: int) -> None:
        """Somebody gives a hold up."""
        who, order = self.pick(place)
        assert self.trade.order(who, order, "DELETE").status_code in (200, 409)

    @precondition(lambda self: self.orders)
    @rule(place=PLACES, part=st.booleans())
    def refund(self, place: int, part: bool) -> None:
        """The organizer gives an order back, or one ticket of it."""
        _, order = self.pick(place)
        seen = good(self.trade.order(-1, order, "GET"))
        left = [item["ticket_id"] for item in seen["items"] if not item["refunded"]]
        body: dict[str, Any] = {"reason": "Asked for."}
        if part and left:
            body["tickets"] = left[:1]
        codes = [Code(each, self.trade.code(each)) for each in left]
        answer = self.trade.order(-1, order, "refunds", body)
        assert answer.status_code in (201, 409), answer.text
        if answer.is_success:
            gone = body.get("tickets", left)
            self.old += [code for code in codes if code.ticket in gone and code.text]

    @rule(place=PLACES, taker=BUYERS)
    def hand_over(self, place: int, taker: int) -> None:
        """A ticket goes to somebody else: its code before is void."""
        mine = self.tickets("active", "used")
        if not mine:
            return
        ticket = mine[place % len(mine)]
        before, giver = Code(ticket, self.trade.code(ticket)), self._owner(ticket)
        if giver is None or giver == taker:
            return
        if self.trade.transfer(giver, taker, ticket).is_success:
            self.old.append(before)
            assert self.trade.code(ticket) not in ("", before.text)

    def _owner(self, ticket: str) -> int | None:
        rows = {str(row["ticket_id"]): row["account_id"] for row in self.trade.rows(OWNERS)}
        known = [good(each.get("/v1/accounts/me"))["account_id"] for each in self.trade.people]
        return known.index(str(rows[ticket])) if str(rows[ticket]) in known else None

    @rule(place=PLACES)
    def scan(self, place: int) -> None:
        """Somebody comes to the gate: let in with a good ticket, once."""
        good_ones = self.tickets("active", "used")
        if not good_ones:
            return
        ticket = good_ones[place % len(good_ones)]
        seen = self.trade.scan(self.trade.code(ticket))
        if self.cancelled:
            return
        assert (seen["signal"] == "green") is (ticket not in self.entries), seen
        if seen["signal"] == "green":
            self.entries[ticket] = seen["entries"][0]

    @precondition(lambda self: self.entries)
    @rule(place=PLACES)
    def undo(self, place: int) -> None:
        """An entry was a mistake: the ticket is as good as before."""
        ticket = sorted(self.entries)[place % len(self.entries)]
        if self.trade.undo(self.entries[ticket]).is_success:
            del self.entries[ticket]

    @precondition(lambda self: self.old)
    @rule(place=PLACES)
    def scan_an_old_code(self, place: int) -> None:
        """Whoever kept a code of before a transfer or a refund is not let in."""
        seen = self.trade.scan(self.old[place % len(self.old)].text)
        assert seen["signal"] != "green", seen

    @precondition(lambda self: len(self.orders) > 3 and not self.cancelled)
    @rule()
    def call_off(self) -> None:
        """The event is cancelled."""
        good(self.trade.cancel_event())
        self.cancelled = True

    @invariant()
    def nothing_is_oversold_or_lost(self) -> None:
        """Free, held, sold and gone are all that there are, and each is as its history says."""
        counts = {row["state"]: row["n"] for row in self.trade.rows(COUNTS)}
        assert sum(counts.values()) == CAPACITY, counts
        assert self.trade.rows(HISTORY) == []

    @invariant()
    def the_books_balance(self) -> None:
        """Each entry, and what the provider holds."""
        assert self.trade.rows(UNBALANCED) == []
        (row,) = self.trade.rows(HELD)
        assert row["booked"] == row["held"], dict(row)
        assert self.trade.rows(MISPRICED) == []

    def teardown(self) -> None:
        """Let everything arrive, and look again."""
        self.fake.test("flush", lost=True)
        for _ in range(3):
            self.trade.wait(HOLD + 1)
            self.service.work()
        for old in self.old:
            assert self.trade.scan(old.text)["signal"] != "green"
        states = self.trade.states()
        assert "reserved" not in states.values()
        if self.cancelled:
            assert not set(states.values()) & set(ADMITTING)
        self.nothing_is_oversold_or_lost()
        self.the_books_balance()
        super().teardown()


def test_each_thing_that_may_happen_does(patient: Service) -> None:
    """Every rule of the machine leads where it is meant to: what it draws at random is tried."""
    Lifecycle.service = patient
    lives = Lifecycle()
    lives.begin()
    lives.scan(0)
    lives.scan(0)  # again: refused
    lives.undo(0)
    lives.hand_over(0, 1)
    lives.scan_an_old_code(0)
    lives.refund(0, part=True)
    lives.scan_an_old_code(1)
    lives.hold(2, 1)
    lives.pay(1, "pm_card_visa_chargeDeclined", "twice")
    lives.give_up(1)
    lives.hold(2, 1)
    lives.pay(2, "pm_card_visa", "twice")
    lives.hold(2, 1)
    lives.pay(3, "pm_card_visa", "lost")
    lives.hold(1, 1)
    lives.trade.order(1, lives.orders[4][1], "payment")
    lives.wait(HOLD + 1)
    lives.pay_what_was_begun(4)
    lives.hold(1, 1)
    lives.pay(5, "pm_card_visa", "late")
    lives.call_off()
    lives.news("shuffled", lost=True)
    lives.nothing_is_oversold_or_lost()
    lives.the_books_balance()
    lives.teardown()
    moves = {row["move"] for row in lives.trade.rows(MOVES)}
    heard = {row["outcome"] for row in lives.trade.rows(HEARD)}
    assert moves >= {"hold", "release", "pay", "activate", "use", "undo", "transfer", "refund"}
    assert heard >= {"paid", "failed", "canceled", "repeated", "returned: event_off"}, heard


def test_tickets_stay_what_they_are_worth(patient: Service) -> None:
    """Whatever happens in whatever order: none is oversold, lost, admitted on an old code or
    after its refund, and the money is where the books say."""
    Lifecycle.service = patient
    examples = max(settings().max_examples // 25, 1)
    look = settings(max_examples=examples, stateful_step_count=20)
    run_state_machine_as_test(Lifecycle, settings=look)
