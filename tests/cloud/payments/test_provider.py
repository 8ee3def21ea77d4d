"""What we ask of the provider, asked of our fake and of localstripe by the same tests.

`DIFFERENCES` names each point in which localstripe is not Stripe, with what it does instead; the
tests hold it to that too, so a row that no longer holds fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, TypeVar

import pytest

from cloud.payments import webhooks
from cloud.payments.provider import (
    Intent,
    IntentStatus,
    Method,
    Provider,
    ProviderAway,
    ProviderRefused,
    RefundResult,
    RefundStatus,
    StripeProvider,
)
from cloud.payments.webhooks import ProviderEvent
from tests.cloud.payments.letterbox import Letterbox
from tests.cloud.payments.processes import KEY, SECRET, Running

T = TypeVar("T")


class Difference(NamedTuple):
    """What our fake does as Stripe does, and what localstripe does instead."""

    stripe: object
    localstripe: object
    why: str


DIFFERENCES: Final[Mapping[str, Difference]] = {
    "allowed_payment_method_types": Difference(
        None, "invalid_request", "refuses the parameter that took payment_method_types' place"
    ),
    "same_key_same_intent": Difference(True, False, "ignores idempotency keys"),
    "same_key_other_amount": Difference("idempotency_key_reused", None, "ignores idempotency keys"),
    "amount_too_small": Difference("amount_too_small", None, "knows no smallest amount"),
    "amount_received": Difference(4200, 0, "has no amount_received"),
    "cancel_paid": Difference(
        "payment_intent_unexpected_state", "invalid_request", "gives no codes"
    ),
    "cancel_twice": Difference(
        "payment_intent_unexpected_state", "invalid_request", "gives no codes"
    ),
    "refund_unpaid": Difference("nothing_to_refund", "invalid_request", "gives no codes"),
    "refund_too_much": Difference("amount_too_large", None, "gives back more than was paid"),
    "refund_again": Difference("charge_already_refunded", None, "gives back more than was paid"),
    "refunds_of_unpaid": Difference(None, "outage", "breaks on an intent without a charge"),
    "wrong_key": Difference("key_refused", None, "takes any key that begins with sk_"),
}


class Shop(NamedTuple):
    """A running stand-in for Stripe."""

    name: str
    running: Running
    methods: tuple[Method, ...]

    def ask(self, work: Callable[[Provider], Awaitable[T]], key: str = KEY) -> T:
        """Return what *work* makes of a provider of its own."""

        async def asked() -> T:
            provider = StripeProvider(
                key, self.running.address, methods=self.methods, timeout=60, retries=0
            )
            try:
                return await work(provider)
            finally:
                await provider.aclose()

        return asyncio.run(asked())

    def failure(
        self, work: Callable[[Provider], Awaitable[object]], key: str = KEY
    ) -> ProviderRefused | ProviderAway | None:
        """Return how *work* fails; None: it does not."""
        try:
            self.ask(work, key)
        except (ProviderRefused, ProviderAway) as failure:
            return failure
        return None

    def trouble(self, work: Callable[[Provider], Awaitable[object]]) -> str | None:
        """Return the code with which *work* fails; None: it does not."""
        failure = self.failure(work)
        return None if failure is None else failure.code

    def expected(self, fact: str) -> object:
        """Return what this stand-in is known to do."""
        difference = DIFFERENCES[fact]
        return difference.localstripe if self.name == "localstripe" else difference.stripe

    def create(self, amount: int = 4200, key: str = "") -> Intent:
        """Make an intent; without a key, under one that was never used."""
        key = key or f"create-{next(COUNT)}"
        return self.ask(
            lambda provider: provider.create_intent(
                amount=amount, currency="eur", metadata={"order": "o-1"}, key=key
            )
        )

    def pay(self, intent: Intent, card: str = "pm_card_visa") -> None:
        """Pay as a buyer does. localstripe takes the card in a request of its own."""
        path = f"/v1/payment_intents/{intent.id}"
        if self.name == "localstripe":
            self.running.post(path, {"payment_method": card})
            self.running.post(f"{path}/confirm")
        else:
            self.running.post(f"{path}/confirm", {"payment_method": card})

    def paid(self) -> Intent:
        """Make an intent and pay it."""
        intent = self.create()
        self.pay(intent)
        return intent


COUNT = iter(range(10**6))


def refunding(intent: Intent, amount: int) -> Callable[[Provider], Awaitable[RefundResult]]:
    """Return the request for a part of a payment, under a key of its own."""
    key = f"refund-{next(COUNT)}"
    return lambda provider: provider.refund(
        intent.id, amount, intent.currency, key, {"why": "test"}
    )


def about(event: ProviderEvent) -> str | None:
    """Return the intent that an event tells of."""
    return event.object.id if isinstance(event.object, Intent) else None


@pytest.fixture(params=["fake", "localstripe"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """Each stand-in in turn."""
    running: Running = request.getfixturevalue(request.param)
    methods: tuple[Method, ...] = ("card",) if request.param == "fake" else ()
    return Shop(request.param, running, methods)


@pytest.mark.parametrize("fact", DIFFERENCES)
def test_a_difference_is_one(fact: str) -> None:
    """No row of the table says the same of both."""
    assert DIFFERENCES[fact].stripe != DIFFERENCES[fact].localstripe


def test_a_new_intent_waits_for_a_card(shop: Shop) -> None:
    """An intent has what was asked for, and a secret for the buyer."""
    intent = shop.create()
    assert intent.id.startswith("pi_")
    assert (intent.status, intent.amount, intent.currency, intent.amount_received) == (
        IntentStatus.REQUIRES_PAYMENT_METHOD,
        4200,
        "eur",
        0,
    )
    assert intent.metadata == {"order": "o-1"}
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")


def test_cards_alone_can_be_asked_for(shop: Shop) -> None:
    """Stripe's present parameter for "cards alone" is understood."""
    code = shop._replace(methods=("card",)).trouble(
        lambda provider: provider.create_intent(
            amount=4200, currency="eur", metadata={}, key=f"cards-{next(COUNT)}"
        )
    )
    assert code == shop.expected("allowed_payment_method_types")


def test_an_intent_is_read_back_as_it_was_made(shop: Shop) -> None:
    """Making and reading tell the same."""
    made = shop.create()
    assert shop.ask(lambda provider: provider.retrieve(made.id)) == made


def test_the_same_key_makes_one_intent(shop: Shop) -> None:
    """A request that is sent again has no second effect."""
    key = f"same-{next(COUNT)}"
    first, second = shop.create(key=key), shop.create(key=key)
    assert (first == second) is shop.expected("same_key_same_intent")


def test_a_key_with_another_amount_is_refused(shop: Shop) -> None:
    """A key that was used for something else is a mistake of ours, and is told as one."""
    key = f"other-{next(COUNT)}"
    shop.create(amount=4200, key=key)
    code = shop.trouble(
        lambda provider: provider.create_intent(amount=4300, currency="eur", metadata={}, key=key)
    )
    assert code == shop.expected("same_key_other_amount")


def test_too_small_an_amount_is_refused(shop: Shop) -> None:
    """Less than Stripe's smallest amount is refused by a code."""
    code = shop.trouble(
        lambda provider: provider.create_intent(
            amount=10, currency="eur", metadata={}, key=f"small-{next(COUNT)}"
        )
    )
    assert code == shop.expected("amount_too_small")


def test_a_paid_intent_says_so(shop: Shop) -> None:
    """After the buyer has paid, the intent succeeded, and tells how much came."""
    intent = shop.paid()
    now = shop.ask(lambda provider: provider.retrieve(intent.id))
    assert now.status is IntentStatus.SUCCEEDED
    assert now.amount_received == shop.expected("amount_received")


def test_a_declined_card_leaves_the_intent_open(shop: Shop) -> None:
    """The buyer may try another card, and the payment then succeeds."""
    intent = shop.create()
    shop.pay(intent, "pm_card_chargeCustomerFail")
    declined = shop.ask(lambda provider: provider.retrieve(intent.id))
    assert declined.status is IntentStatus.REQUIRES_PAYMENT_METHOD
    assert declined.amount_received == 0


def test_an_intent_is_given_up(shop: Shop) -> None:
    """An unpaid intent can be given up, once."""
    intent = shop.create()
    gone = shop.ask(lambda provider: provider.cancel(intent.id, f"cancel-{next(COUNT)}"))
    assert (gone.id, gone.status) == (intent.id, IntentStatus.CANCELED)
    code = shop.trouble(lambda provider: provider.cancel(intent.id, f"cancel-{next(COUNT)}"))
    assert code == shop.expected("cancel_twice")


def test_a_paid_intent_is_not_given_up(shop: Shop) -> None:
    """A payment that came is refused its cancellation, and stays paid."""
    intent = shop.paid()
    code = shop.trouble(lambda provider: provider.cancel(intent.id, f"cancel-{next(COUNT)}"))
    assert code == shop.expected("cancel_paid")
    now = shop.ask(lambda provider: provider.retrieve(intent.id))
    assert now.status is IntentStatus.SUCCEEDED


def test_parts_of_a_payment_are_given_back(shop: Shop) -> None:
    """Refunds have their own amounts and notes, and all of them are listed."""
    intent = shop.paid()
    for amount in (1000, 3200):
        refund = shop.ask(refunding(intent, amount))
        assert (refund.status, refund.amount, refund.currency, refund.payment_intent) == (
            RefundStatus.SUCCEEDED,
            amount,
            "eur",
            intent.id,
        )
        assert refund.metadata == {"why": "test"}
    listed = shop.ask(lambda provider: provider.retrieve_refunds(intent.id))
    assert sorted(refund.amount for refund in listed) == [1000, 3200]


@pytest.mark.parametrize(
    ("fact", "amounts"),
    [("refund_too_much", (4201,)), ("refund_again", (4200, 1)), ("refund_too_much", (4000, 300))],
)
def test_no_more_than_was_paid_is_given_back(
    shop: Shop, fact: str, amounts: tuple[int, ...]
) -> None:
    """A refund beyond what is left is refused, with what is left untouched."""
    intent = shop.paid()
    codes = [shop.trouble(refunding(intent, amount)) for amount in amounts]
    assert codes == [*(None for _ in amounts[1:]), shop.expected(fact)]


def test_an_unpaid_intent_is_not_refunded(shop: Shop) -> None:
    """Where nothing was paid there is nothing to give back, and nothing is listed."""
    intent = shop.create()
    code = shop.trouble(
        lambda provider: provider.refund(intent.id, 100, "usd", "refund-unpaid", {})
    )
    assert code == shop.expected("refund_unpaid")
    listing = shop.trouble(lambda provider: provider.retrieve_refunds(intent.id))
    assert listing == shop.expected("refunds_of_unpaid")


def test_an_unknown_intent_is_missing(shop: Shop) -> None:
    """An id that is nobody's is refused by a code."""
    assert shop.trouble(lambda provider: provider.retrieve("pi_nobody")) == "resource_missing"


def test_a_wrong_key_is_no_refusal(shop: Shop) -> None:
    """With a wrong key nothing was decided: once it is put right the same request goes through."""
    failure = shop.failure(
        lambda provider: provider.create_intent(
            amount=4200, currency="eur", metadata={}, key=f"wrong-{next(COUNT)}"
        ),
        key="sk_test_another",
    )
    assert (None if failure is None else failure.code) == shop.expected("wrong_key")
    assert not isinstance(failure, ProviderRefused)


def test_webhooks_of_both_are_verified_alike(
    anew: Running, shop: Shop, letterbox: Letterbox
) -> None:
    """What either sends about a payment passes `verify`, and tells of that payment."""
    if shop.name == "localstripe":
        form = {"url": letterbox.url, "secret": SECRET}
        shop.running.post("/_config/webhooks/test", form)
    else:
        shop.running.test("webhook", url=letterbox.url, secret=SECRET)
    intent = shop.paid()
    seen, event = 0, None
    while event is None or event.type != "payment_intent.succeeded" or about(event) != intent.id:
        event = letterbox.wait(seen + 1)[seen].event()
        seen += 1
    assert isinstance(event.object, Intent)
    assert event.object.status is IntentStatus.SUCCEEDED
    assert event.object.metadata == {"order": "o-1"}
    body, signature = letterbox.wait(seen)[seen - 1]
    with pytest.raises(webhooks.UntrustedWebhook, match="webhook_bad_signature"):
        webhooks.verify(body, signature, ["whsec_another"], event.created)
