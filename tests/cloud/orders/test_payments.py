"""From a hold to tickets, with the real fake of the provider: once, whatever comes how often."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from cloud.errors import Refusal
from cloud.orders.model import State
from cloud.orders.till import Till
from cloud.payments.objects import Intent
from cloud.payments.provider import StripeProvider
from shared.token import encode_text, parse
from tests.cloud.orders.shop import OTHER, Class, Desk, Shop
from tests.cloud.orders.shop import shop as shop
from tests.cloud.payments.processes import KEY


def test_a_payment_buys_signed_tickets(shop: Shop) -> None:
    """Hold, payment, news: tickets are active, signed and the buyer's; two moves are recorded."""
    event = shop.event(Class(count=3, price=2500))
    order = shop.run(lambda desk: desk.paid(event, 5, quantity=2))
    rows = shop.rows("SELECT * FROM ticket WHERE order_id = $1", order)
    assert {(row["state"], row["account_id"].int) for row in rows} == {("active", 1005)}
    assert {parse(encode_text(row["token"])).token.ticket for row in rows} == {
        row["ticket_id"].bytes for row in rows
    }
    moves = shop.rows(
        "SELECT move FROM ticket_move WHERE ticket_id = $1 ORDER BY move_id", rows[0]["ticket_id"]
    )
    assert [row["move"] for row in moves] == ["create", "hold", "pay", "activate"]
    (sale,) = shop.rows(
        "SELECT array_agg(account || ' ' || amount ORDER BY line) AS lines FROM posting"
        " JOIN journal USING (tenant_id, journal_id) WHERE subject = $1",
        f"order:{order}",
    )
    # 2.5 % of 25.00 is 0.625, rounded half up, and 0.30 more: 0.93 a ticket.
    assert sale["lines"] == ["processor 5000", "organizer -4814", "platform -186"]


def test_asking_again_is_the_same_payment(shop: Shop) -> None:
    """Who asks to pay twice gets one payment's secret; once paid, there is none."""
    event = shop.event()

    async def scene(desk: Desk) -> list[str | None]:
        order = await desk.hold(event)
        secrets = [await desk.ask(order), await desk.ask(order)]
        intent = (await desk.order(order)).intent or ""
        await desk.card(intent)
        # The webhook is lost, and the buyer asks again: the provider knows.
        secrets.append(await desk.ask(order))
        assert (await desk.order(order)).state is State.PAID
        return [*secrets, await desk.ask(order)]

    first, second, *rest = shop.run(scene)
    assert first is not None
    assert first == second
    assert rest == [None, None]


def test_a_cancelled_payment_is_made_anew(shop: Shop) -> None:
    """If the provider gave the payment up, asking again makes another."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event)
        first = await desk.ask(order)
        intent = (await desk.order(order)).intent or ""
        await desk.provider.cancel(intent, "by-hand")
        second = await desk.ask(order)
        assert second not in (None, first)
        await desk.hear(await desk.card((await desk.order(order)).intent or ""))
        assert (await desk.order(order)).state is State.PAID

    shop.run(scene)


def test_repeated_news_changes_nothing(shop: Shop) -> None:
    """The same message twice, at once, and the same news in another message: one purchase."""
    event = shop.event()

    async def scene(desk: Desk) -> tuple[list[str], list[str]]:
        order = await desk.hold(event)
        await desk.ask(order)
        paid = await desk.card((await desk.order(order)).intent or "")
        same = f"evt_{uuid4().hex}"
        first = await asyncio.gather(*(desk.hear(paid, same) for _ in range(4)))
        return sorted([*first, await desk.hear(paid)]), await desk.topics(order)

    outcomes, topics = shop.run(scene)
    assert outcomes == ["paid", "repeated", "repeated", "repeated", "repeated"]
    assert topics == ["order.paid"]


def test_reordered_news_changes_nothing(shop: Shop) -> None:
    """News of a failed attempt that comes after the success is too late to matter."""
    event = shop.event()

    async def scene(desk: Desk) -> list[str]:
        order = await desk.hold(event)
        await desk.ask(order)
        intent = (await desk.order(order)).intent or ""
        declined = await desk.card(intent, "pm_card_visa_chargeDeclined")
        paid = await desk.card(intent)
        said = [await desk.hear(paid), await desk.hear(declined)]
        assert (await desk.order(order)).state is State.PAID
        (payment,) = shop.rows("SELECT state, received FROM payment WHERE intent = $1", intent)
        assert tuple(payment) == ("received", 2500)
        return said

    assert shop.run(scene) == ["paid", "failed"]


def test_a_declined_card_may_be_replaced(shop: Shop) -> None:
    """After a failed attempt the order can still be paid, while its hold lasts."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event)
        await desk.ask(order)
        intent = (await desk.order(order)).intent or ""
        assert await desk.hear(await desk.card(intent, "pm_card_visa_chargeDeclined")) == "failed"
        assert (await desk.order(order)).state is State.PAYING
        assert await desk.hear(await desk.card(intent)) == "paid"

    shop.run(scene)


async def lapsed_then_paid(desk: Desk, order: object, paid: Intent) -> str:
    """Let the hold lapse as if the provider's cancellation had come too early; then the news."""
    sql = "UPDATE ticket SET state = 'created', order_id = NULL WHERE order_id = $1"
    async with desk.tx() as tx:
        await tx.conn.execute("SELECT set_config('app.move', 'release', true)")
        await tx.conn.execute(sql, order)
        await tx.conn.execute("UPDATE purchase SET state = 'lapsed' WHERE order_id = $1", order)
    return await desk.hear(paid)


@pytest.mark.parametrize("seated", [False, True])
def test_a_late_payment_gets_what_is_free(shop: Shop, seated: bool) -> None:
    """Paid after the hold had lapsed: the same seat, or another ticket of the class."""
    event = shop.event(Class(count=3, seated=seated))

    async def scene(desk: Desk) -> None:
        seats = ["S2", "S3"] if seated else None
        order = await desk.hold(event, quantity=2, seats=seats)
        await desk.ask(order)
        paid = await desk.card((await desk.order(order)).intent or "")
        assert await lapsed_then_paid(desk, order, paid) == "paid"
        assert (await desk.order(order)).state is State.PAID
        rows = shop.rows(
            "SELECT t.seat, t.state FROM purchase_item i JOIN ticket t USING (ticket_id)"
            " WHERE i.order_id = $1 ORDER BY t.seat",
            order,
        )
        assert [row["state"] for row in rows] == ["active", "active"]
        assert [row["seat"] for row in rows if row["seat"]] == (seats or [])

    shop.run(scene)
    assert shop.tickets(event) == {"active": 2, "created": 1}


@pytest.mark.parametrize("seated", [False, True])
def test_a_late_payment_is_returned_when_all_is_gone(shop: Shop, seated: bool) -> None:
    """If somebody else has the tickets, all of the money goes back, and books say so."""
    event = shop.event(Class(count=2, seated=seated))

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event, quantity=2, seats=["S1", "S2"] if seated else None)
        await desk.ask(order)
        intent = (await desk.order(order)).intent or ""
        paid = await desk.card(intent)
        async with desk.tx() as tx:
            await tx.conn.execute("SELECT set_config('app.move', 'release', true)")
            await tx.conn.execute(
                "UPDATE ticket SET state = 'created', order_id = NULL WHERE order_id = $1", order
            )
            await tx.conn.execute("UPDATE purchase SET state = 'lapsed' WHERE order_id = $1", order)
        await desk.hold(event, 1, seats=["S2"] if seated else None)
        assert await desk.hear(paid) == "returned: tickets_gone"
        assert "order.payment_returned" in await desk.topics(order)
        await desk.work()
        (refund,) = await desk.provider.retrieve_refunds(intent)
        assert (refund.amount, refund.metadata["order"]) == (5000, str(order))
        assert (await desk.order(order)).state is State.LAPSED

    shop.run(scene)
    assert shop.tickets(event) == {"created": 1, "reserved": 1}
    assert shop.balances().get("refunds", 0) == 0


async def paid_by(desk: Desk, order: object, amount: int, currency: str = "eur") -> Intent:
    """Pay by another payment than the order's own, which names the order all the same."""
    metadata = {"tenant": str(desk.shop.tenant), "order": str(order)}
    made = await desk.provider.create_intent(
        amount=amount, currency=currency, metadata=metadata, key=uuid4().hex
    )
    return await desk.card(made.id)


@pytest.mark.parametrize(
    ("amount", "currency", "why"),
    [(2499, "eur", "wrong_amount"), (2500, "usd", "wrong_amount"), (2501, "eur", "wrong_amount")],
)
def test_what_does_not_match_is_returned(shop: Shop, amount: int, currency: str, why: str) -> None:
    """Another amount or currency buys nothing: it is returned whole, and written down."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event)
        paid = await paid_by(desk, order, amount, currency)
        assert await desk.hear(paid) == f"returned: {why}"
        assert (await desk.order(order)).state is State.HELD
        await desk.work()
        assert [each.amount for each in await desk.provider.retrieve_refunds(paid.id)] == [amount]
        (row,) = shop.rows("SELECT detail FROM audit WHERE action = 'payment.returned'"
                           " AND subject = $1", f"order:{order}")  # fmt: skip
        assert why in row["detail"]

    shop.run(scene)


def test_a_second_payment_is_returned(shop: Shop) -> None:
    """An order paid twice keeps the first payment; the second goes back, however often told."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.paid(event)
        second = await paid_by(desk, order, 2500)
        assert await desk.hear(second) == "returned: already_paid"
        assert await desk.hear(second) == "repeated"
        await desk.work()
        assert len(await desk.provider.retrieve_refunds(second.id)) == 1
        first = (await desk.order(order)).intent or ""
        assert not await desk.provider.retrieve_refunds(first)

    shop.run(scene)
    assert shop.tickets(event) == {"active": 1, "created": 2}


def test_unknown_orders_and_tenants_are_kept_apart(shop: Shop) -> None:
    """A message about an order of another tenant, or of none, changes nothing and is answered."""
    event = shop.event()

    async def scene(desk: Desk) -> list[str]:
        order = await desk.hold(event)
        intents = []
        for tenant, of in ((OTHER, order), (uuid4(), order), (desk.shop.tenant, uuid4()), ("", "")):
            metadata = {"tenant": str(tenant), "order": str(of)}
            intents.append(
                await desk.provider.create_intent(
                    amount=2500, currency="eur", metadata=metadata, key=uuid4().hex
                )
            )
        return [await desk.hear(await desk.card(intent.id)) for intent in intents]

    assert shop.run(scene) == [
        "unknown order", "unknown tenant", "unknown order", "unknown tenant",
    ]  # fmt: skip
    assert shop.tickets(event) == {"reserved": 1, "created": 2}


def test_the_sweep_finds_lost_news(shop: Shop) -> None:
    """Without any webhook a paid order gets its tickets; the provider is asked after a while."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event)
        await desk.ask(order)
        await desk.card((await desk.order(order)).intent or "")
        await desk.sweep()
        assert (await desk.order(order)).state is State.PAYING
        shop.now += timedelta(seconds=61)
        await desk.sweep()
        assert (await desk.order(order)).state is State.PAID

    shop.run(scene)


def test_a_lapsing_hold_that_was_paid_is_bought(shop: Shop) -> None:
    """At the end of the hold the payment is given up; one that succeeded buys instead."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> None:
        paid, unpaid = await desk.hold(event, 1), await desk.hold(event, 2)
        for order in (paid, unpaid):
            await desk.ask(order)
        await desk.card((await desk.order(paid)).intent or "")
        shop.now += timedelta(seconds=601)
        await desk.sweep()
        assert (await desk.order(paid)).state is State.PAID
        over = await desk.order(unpaid)
        assert over.state is State.LAPSED
        assert (await desk.provider.retrieve(over.intent or "")).status == "canceled"

    shop.run(scene)
    assert shop.tickets(event) == {"active": 1, "created": 1}


def test_while_the_provider_is_away_nothing_lapses(shop: Shop) -> None:
    """A hold that may have been paid is kept until the provider can say; others lapse."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> None:
        paying, held = await desk.hold(event, 1), await desk.hold(event, 2)
        await desk.ask(paying)
        shop.fake.test("faults", kind="outage_before", requests=3)
        shop.now += timedelta(seconds=601)
        await desk.sweep()
        assert (await desk.order(paying)).state is State.PAYING
        assert (await desk.order(held)).state is State.LAPSED
        shop.fake.http.delete("/_test/faults")
        shop.now += timedelta(seconds=61)
        await desk.sweep()
        assert (await desk.order(paying)).state is State.LAPSED

    shop.run(scene)


@pytest.mark.parametrize("paid_first", [False, True])
def test_giving_up_a_hold(shop: Shop, paid_first: bool) -> None:
    """A hold given up is free again, and can't be paid; if it was just paid, it is bought."""
    event = shop.event(Class(count=1))

    async def scene(desk: Desk) -> State:
        order = await desk.hold(event)
        await desk.ask(order)
        if paid_first:
            await desk.card((await desk.order(order)).intent or "")
        await desk.give_up(order)
        with pytest.raises(Refusal) as raised:
            await (desk.give_up(order) if paid_first else desk.ask(order))
        assert raised.value.code == ("order_paid" if paid_first else "hold_over")
        return (await desk.order(order)).state

    assert shop.run(scene) is (State.PAID if paid_first else State.CANCELLED)
    assert shop.tickets(event) == {"active" if paid_first else "created": 1}


def test_free_tickets_need_no_payment(shop: Shop) -> None:
    """An order of nothing is bought when it is confirmed, and no money is booked."""
    event = shop.event(Class(price=0))

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event)
        assert await desk.ask(order) is None
        assert (await desk.order(order)).state is State.PAID
        assert not shop.rows("SELECT FROM journal WHERE subject = $1", f"order:{order}")

    shop.run(scene)
    assert shop.tickets(event) == {"active": 1, "created": 2}


def test_a_slow_provider_takes_few_requests(shop: Shop) -> None:
    """While as many ask as may, one more is told to come back; a slow answer is not waited for."""

    async def scene(_: Desk) -> list[str]:
        provider = StripeProvider(KEY, shop.fake.address, timeout=60, retries=0)
        till = Till(provider, 2, 0.5)

        async def code(work: Callable[[], Awaitable[object]]) -> str:
            with pytest.raises(Refusal) as raised:
                await work()
            return raised.value.code

        shop.fake.test("faults", kind="hang_before", requests=2, seconds=1)
        asked = [code(lambda: till.retrieve("pi_none")) for _ in range(4)]
        codes = await asyncio.gather(*asked)
        codes.append(await code(lambda: till.retrieve("pi_none")))
        await provider.aclose()
        return sorted(codes)

    codes = shop.run(scene)
    assert codes == ["payment_refused"] + ["payments_away"] * 2 + ["payments_busy"] * 2
