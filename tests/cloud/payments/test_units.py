"""Currencies whose amounts Stripe counts in units that are not the currency's own."""

import iso4217
import pytest

from cloud.currencies import IN_USE, decimals, is_in_use, written
from cloud.payments.fake.drawing import money
from cloud.payments.objects import Intent
from cloud.payments.units import charged, received, step
from cloud.payments.webhooks import MalformedWebhook, decode
from tests.cloud.payments.test_provider import Shop
from tests.cloud.payments.test_provider import shop as shop
from tests.cloud.payments.test_webhooks import body


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (4205, "eur", "42.05 EUR"),
        (4205, "jpy", "4205 JPY"),
        (4205, "isk", "4205 ISK"),
        (4205, "ugx", "4205 UGX"),
        (4205, "mga", "42.05 MGA"),
        (4205, "kwd", "4.205 KWD"),
        (4205, "iqd", "4.205 IQD"),
        (5, "lyd", "0.005 LYD"),
        (5, "bgn", "0.05 BGN"),  # of an event from before it went
        (0, "eur", "0.00 EUR"),
    ],
)
def test_amounts_are_written_with_the_decimals_of_iso(
    amount: int, currency: str, shown: str
) -> None:
    """None, two or three, whatever the payment provider counts in."""
    assert written(amount, currency) == shown


@pytest.mark.parametrize(
    "code", ["xxx", "xts", "xau", "xdr", "clf", "che", "usn", "bgn", "hrk", "zzz", "EUR", ""]
)
def test_what_nobody_pays_in_is_no_currency(code: str) -> None:
    """Metals, tests, funds, what was given up, and what never was."""
    assert not is_in_use(code)


def test_the_list_is_isos() -> None:
    """Nothing in it that ISO's table lacks, and the decimals are the table's."""
    assert {"eur", "usd", "jpy", "kwd", "xof", "xcd", "ves"} < IN_USE.keys()
    assert len(IN_USE) > 150
    assert all(iso4217.Currency(code.upper()).exponent == IN_USE[code] for code in IN_USE)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (4205, "eur", 4205),
        (500, "jpy", 500),
        (500, "isk", 50_000),
        (500, "ugx", 50_000),
        (500, "mga", 5),
        (550, "mga", None),
        (5120, "kwd", 5120),
        (5124, "kwd", None),
    ],
)
def test_what_stripe_is_told(amount: int, currency: str, told: int | None) -> None:
    """Its own units, or nothing where the amount has parts that it can't charge."""
    assert charged(amount, currency) == told
    if told is not None:
        assert received(told, currency) == amount


@pytest.mark.parametrize("currency", sorted(IN_USE))
def test_every_price_that_is_taken_can_be_charged(currency: str) -> None:
    """A multiple of the step goes there and back; what is none can't be charged."""
    parts = step(currency)
    for times in (1, 7, 999):
        told = charged(times * parts, currency)
        assert told is not None
        assert received(told, currency) == times * parts
    assert parts == 1 or charged(parts + 1, currency) is None
    assert decimals(currency) <= 4


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_the_provider_and_its_webhook_speak_of_the_same_amount(shop: Shop, currency: str) -> None:
    """5000 krónur are asked for, paid, partly given back, and told of as 5000 each time."""

    def create() -> Intent:
        return shop.ask(
            lambda provider: provider.create_intent(
                amount=5000, currency=currency, metadata={}, key=f"{shop.name}-{currency}"
            )
        )

    if shop.name == "localstripe":
        pytest.skip("it knows no units")
    intent = create()
    assert intent.amount == 5000
    assert shop.running.http.get(f"/v1/payment_intents/{intent.id}").json()["amount"] == 500_000
    shop.pay(intent)
    paid = shop.ask(lambda provider: provider.retrieve(intent.id))
    assert (paid.amount, paid.amount_received) == (5000, 5000)
    back = shop.ask(
        lambda provider: provider.refund(intent.id, 1999, currency, f"part-{currency}", {})
    )
    assert back.amount == 1999
    listed = shop.ask(lambda provider: provider.retrieve_refunds(intent.id))
    assert [each.amount for each in listed] == [1999]
    told = body(id="pi_1", status="succeeded", amount=500_000, currency=currency)
    assert isinstance(heard := decode(told).object, Intent)
    assert heard.amount == 5000
    assert money(500_000, currency) == f"5000.00 {currency.upper()}"


def test_an_amount_that_there_cannot_be_is_refused() -> None:
    """Half a króna, or more ariary than the books can hold."""
    for amount, currency in ((550, "isk"), (2**53 - 1, "mga")):
        with pytest.raises(MalformedWebhook):
            decode(body(id="pi_1", status="succeeded", amount=amount, currency=currency))


@pytest.mark.parametrize(("amount", "currency"), [(5124, "kwd"), (550, "mga")])
def test_no_provider_is_asked_for_a_part_it_cannot_charge(
    shop: Shop, amount: int, currency: str
) -> None:
    """It is refused here, with a code that says why."""
    for work in (
        lambda provider: provider.create_intent(
            amount=amount, currency=currency, metadata={}, key="parts"
        ),
        lambda provider: provider.refund("pi_1", amount, currency, "parts", {}),
    ):
        assert shop.trouble(work) == "amount_parts"
