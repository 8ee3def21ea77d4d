"""Tickets given back: their codes die at once, and the money follows, once."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from cloud.errors import Refusal
from cloud.orders import jobs
from cloud.orders.model import State
from cloud.payments.objects import RefundResult, RefundStatus
from tests.cloud.orders.shop import Class, Desk, Shop
from tests.cloud.orders.shop import shop as shop


def lines(shop: Shop, subject: str) -> list[str]:
    """Return what was booked for a subject, in order."""
    rows = shop.rows(
        "SELECT fact, account, amount FROM journal JOIN posting USING (tenant_id, journal_id)"
        " WHERE subject = $1 ORDER BY journal_id, line",
        subject,
    )
    return [f"{row['fact']} {row['account']} {row['amount']}" for row in rows]


async def given_back(desk: Desk, order: UUID) -> list[int]:
    """Return the amounts that the provider has given back."""
    intent = (await desk.order(order)).intent or ""
    return sorted(each.amount for each in await desk.provider.retrieve_refunds(intent))


def test_a_whole_order_is_refunded(shop: Shop) -> None:
    """All tickets are void at once; once the money is back, the order is over and books agree."""
    event = shop.event(Class(count=2))

    async def scene(desk: Desk) -> UUID:
        order = await desk.paid(event, quantity=2)
        refund = await desk.refund(order)
        assert shop.tickets(event) == {"refunded": 2}
        assert (await desk.order(order)).state is State.REFUNDING
        await desk.work()
        assert (await desk.order(order)).state is State.REFUNDED
        assert await given_back(desk, order) == [5000]
        assert refund is not None
        return refund

    refund = shop.run(scene)
    assert lines(shop, f"refund:{refund}") == [
        "refund_due organizer 4814",
        "refund_due platform 186",
        "refund_due refunds -5000",
        "refund_paid refunds 5000",
        "refund_paid processor -5000",
    ]


def test_an_order_is_refunded_ticket_by_ticket(shop: Shop) -> None:
    """Parts sum up to the whole; a ticket goes back once; the order ends with its last one."""
    event = shop.event(Class(count=3, price=999))

    async def scene(desk: Desk) -> UUID:
        order = await desk.paid(event, quantity=3)
        tickets = await desk.tickets(order)
        await desk.refund(order, [tickets[1]])
        await desk.work()
        half = await desk.order(order)
        assert (half.state, half.refunded) == (State.PAID, 999)
        for wanted, code in (([tickets[1]], "already_refunded"), ([uuid4()], "not_in_order")):
            with pytest.raises(Refusal) as raised:
                await desk.refund(order, [tickets[0], *wanted])
            assert (raised.value.code, raised.value.field) == (code, "/tickets/1")
        await desk.refund(order, [tickets[0], tickets[0]])  # named twice, given back once
        await desk.refund(order)
        await desk.work()
        over = await desk.order(order)
        assert (over.state, over.refunded) == (State.REFUNDED, 2997)
        assert await given_back(desk, order) == [999, 999, 999]
        with pytest.raises(Refusal) as raised:
            await desk.refund(order)
        assert raised.value.code == "nothing_to_refund"
        return order

    shop.run(scene)
    assert shop.tickets(event) == {"refunded": 3}


def test_refunds_at_once_give_back_once(shop: Shop) -> None:
    """Of several who refund the same order at the same time, one does."""
    event = shop.event()

    async def scene(desk: Desk) -> list[int]:
        order = await desk.paid(event, quantity=2)
        asked = await asyncio.gather(
            *(desk.refund(order) for _ in range(4)), return_exceptions=True
        )
        assert sum(isinstance(each, Refusal) for each in asked) == 3
        await desk.work()
        return await given_back(desk, order)

    assert shop.run(scene) == [5000]


def test_an_outage_delays_a_refund(shop: Shop) -> None:
    """The provider fails after it has paid: asked again with the same key, it pays no more."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.paid(event)
        await desk.refund(order)
        shop.fake.test("faults", kind="outage_after", path="/v1/refunds", requests=1)
        await desk.work()
        assert (await desk.order(order)).state is State.REFUNDING
        shop.now += timedelta(minutes=1)
        await desk.work()
        assert (await desk.order(order)).state is State.REFUNDED
        assert await given_back(desk, order) == [2500]

    shop.run(scene)


def test_a_refund_that_is_refused_is_a_persons(shop: Shop) -> None:
    """If the provider says no, the books go on owing the buyer, and it is told and audited."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order = await desk.paid(event)
        intent = (await desk.order(order)).intent or ""
        await desk.provider.refund(
            intent, 2500, "eur", "by-hand", {}
        )  # somebody at the provider's page
        refund = await desk.refund(order)
        await desk.work()
        (row,) = shop.rows("SELECT state, fault FROM refund WHERE refund_id = $1", refund)
        assert tuple(row) == ("failed", "charge_already_refunded")
        assert (await desk.order(order)).state is State.REFUNDING
        assert "refund.failed" in await desk.topics(order)
        assert shop.rows("SELECT FROM audit WHERE action = 'refund.failed' AND subject = $1",
                         f"refund:{refund}")  # fmt: skip
        assert lines(shop, f"refund:{refund}")[-1] == "refund_due refunds -2500"

    shop.run(scene)


async def refunded(desk: Desk, event: UUID, card: str) -> tuple[UUID, str, UUID | None]:
    """Sell to a card and give it back; return the order, its payment and the refund."""
    order = await desk.hold(event)
    await desk.ask(order)
    intent = (await desk.order(order)).intent or ""
    await desk.hear(await desk.card(intent, card))
    refund = await desk.refund(order)
    await desk.work()
    return order, intent, refund


def test_a_refund_may_take_a_while(shop: Shop) -> None:
    """One that is pending ends when the provider says so, or when it is asked, once."""
    event = shop.event()

    async def scene(desk: Desk) -> None:
        order, intent, refund = await refunded(desk, event, "pm_card_pendingRefund")
        (done,) = await desk.provider.retrieve_refunds(intent)
        (row,) = shop.rows("SELECT state FROM refund WHERE refund_id = $1", refund)
        assert row["state"] == "sent"
        shop.now += timedelta(seconds=61)
        await desk.sweep()
        assert (await desk.order(order)).state is State.REFUNDED
        assert await desk.hear(done) == "repeated"

    shop.run(scene)


def test_a_refund_may_bounce(shop: Shop) -> None:
    """One that the bank sends back is owed again; older news of its success changes nothing."""
    event = shop.event()

    async def scene(desk: Desk) -> UUID | None:
        order, intent, refund = await refunded(desk, event, "pm_card_refundFail")
        assert (await desk.order(order)).state is State.REFUNDED
        (bounced,) = await desk.provider.retrieve_refunds(intent)
        assert await desk.hear(bounced) == "refund failed"
        old = RefundResult(
            bounced.id, RefundStatus.SUCCEEDED, bounced.amount, "eur", intent, bounced.metadata
        )
        assert [await desk.hear(old), await desk.hear(bounced)] == ["repeated", "repeated"]
        assert (await desk.order(order)).state is State.REFUNDING
        return refund

    refund = shop.run(scene)
    assert lines(shop, f"refund:{refund}")[-2:] == [
        "refund_bounced processor 2500",
        "refund_bounced refunds -2500",
    ]


def test_a_refund_that_failed_is_tried_again(shop: Shop) -> None:
    """Once more, under another key; what is told of the first attempt then counts no longer."""
    event = shop.event()

    async def scene(desk: Desk) -> UUID | None:
        order, intent, refund = await refunded(desk, event, "pm_card_refundFail")
        with pytest.raises(Refusal, match="no_failed_refund"):
            await desk.retry(order)
        (first,) = await desk.provider.retrieve_refunds(intent)
        assert await desk.hear(first) == "refund failed"
        await desk.retry(order)
        assert await desk.hear(first) == "earlier attempt"
        await desk.work()
        assert (await desk.order(order)).state is State.REFUNDED
        second, _ = await desk.provider.retrieve_refunds(intent)
        assert second.metadata["attempt"] == "2"
        assert [await desk.hear(first), await desk.hear(second)] == [
            "earlier attempt",
            "refund failed",
        ]
        assert (await desk.order(order)).state is State.REFUNDING
        return refund

    refund = shop.run(scene)
    assert lines(shop, f"refund:{refund}-2") == [
        "refund_paid refunds 2500",
        "refund_paid processor -2500",
        "refund_bounced processor 2500",
        "refund_bounced refunds -2500",
    ]


def test_a_cancelled_event_gives_everything_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All paid orders of a cancelled event are refunded, batch by batch, and its holds end."""
    monkeypatch.setattr(jobs, "BATCH", 2)
    event = shop.event(Class(count=9))

    async def scene(desk: Desk) -> None:
        orders = [await desk.paid(event, who) for who in range(5)]
        held = await desk.hold(event, 9)
        late = await desk.hold(event, 10)
        await desk.ask(late)
        paid = await desk.card((await desk.order(late)).intent or "")
        await desk.call_off(event)
        # Its payment was under way.
        assert await desk.hear(paid) == "returned: event_off"
        await desk.work()
        states = [(await desk.order(order)).state for order in orders]
        assert states == [State.REFUNDED] * 5
        shop.now += timedelta(seconds=1)
        await desk.sweep()
        assert (await desk.order(held)).state is State.LAPSED
        assert (await desk.order(late)).state is State.LAPSED

    shop.run(scene)
    assert shop.tickets(event) == {"created": 4, "refunded": 5}


def test_a_free_order_is_given_back_at_once(shop: Shop) -> None:
    """Nothing was paid, so nothing is owed: the order is over as its tickets are."""
    event = shop.event(Class(price=0))

    async def scene(desk: Desk) -> None:
        order = await desk.hold(event)
        await desk.ask(order)
        assert await desk.refund(order) is None
        assert (await desk.order(order)).state is State.REFUNDED

    shop.run(scene)


@pytest.mark.parametrize("state", ["held", "lapsed"])
def test_only_paid_orders_are_refunded(shop: Shop, state: str) -> None:
    """A hold is given up rather than refunded."""
    event = shop.event()

    async def scene(desk: Desk) -> str:
        order = await desk.hold(event)
        if state == "lapsed":
            shop.now += timedelta(seconds=601)
            await desk.sweep()
        with pytest.raises(Refusal) as raised:
            await desk.refund(order)
        return raised.value.code

    assert shop.run(scene) == "nothing_to_refund"
