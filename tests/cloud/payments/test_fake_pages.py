"""The fake's pages: a person pays, is declined, is asked by the bank, and comes back."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cloud.payments.fake.drawing import money
from tests.cloud.payments.processes import Running

BACK = "https://example.org/orders/1?x=y"


def checkout(intent: dict[str, Any]) -> str:
    """Return where the intent is paid."""
    return f"/checkout/{intent['client_secret']}"


def chosen(fake: Running, intent: dict[str, Any], card: str, back: str = "") -> httpx.Response:
    """Choose a card and press the button."""
    return fake.http.post(checkout(intent), data={"payment_method": card, "return_url": back})


def status(fake: Running, intent: dict[str, Any]) -> str:
    """Return how far the payment has come."""
    found: str = fake.http.get(f"/v1/payment_intents/{intent['id']}").json()["status"]
    return found


def came_back(answer: httpx.Response) -> dict[str, list[str]]:
    """Return what the buyer brings back to the shop."""
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert address.startswith(BACK + "&")
    return parse_qs(urlsplit(address).query)


def test_a_page_offers_the_test_cards(fake: Running) -> None:
    """Without a key, by the client secret alone; nothing is fetched from elsewhere."""
    intent = fake.intent()
    page = httpx.get(fake.address + checkout(intent), trust_env=False)
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "42.00 EUR" in page.text
    assert 'value="pm_card_visa" checked' in page.text
    assert "insufficient" in page.text.lower()
    assert not re.search(r"(src|href|url)\s*[=(]|<script|@import", page.text)


def test_a_buyer_pays_and_goes_back(fake: Running) -> None:
    """The shop's address is called with the payment and its result."""
    intent = fake.intent()
    said = came_back(chosen(fake, intent, "pm_card_visa", BACK))
    assert (said["payment_intent"], said["redirect_status"]) == ([intent["id"]], ["succeeded"])
    assert status(fake, intent) == "succeeded"
    assert "Paid" in fake.http.get(checkout(intent)).text
    assert "Paid" in chosen(fake, intent, "pm_card_visa").text


def test_a_declined_buyer_chooses_again(fake: Running) -> None:
    """The page says why, and offers the cards again."""
    intent = fake.intent()
    page = chosen(fake, intent, "pm_card_visa_chargeDeclinedInsufficientFunds", BACK)
    assert "Your card has insufficient funds." in page.text
    assert f'name="return_url" value="{BACK}"' in page.text
    assert status(fake, intent) == "requires_payment_method"
    came_back(chosen(fake, intent, "pm_card_visa", BACK))


@pytest.mark.parametrize(
    ("outcome", "result", "after"),
    [
        ("complete", "succeeded", "succeeded"),
        ("fail", "failed", "requires_payment_method"),
    ],
)
def test_the_bank_asks(fake: Running, outcome: str, result: str, after: str) -> None:
    """A card with 3-D Secure leads to the question, and the answer leads back to the shop."""
    intent = fake.intent()
    asked = chosen(fake, intent, "pm_card_authenticationRequired", BACK)
    assert asked.status_code == 303
    question = asked.headers["location"]
    page = fake.http.get(question)
    assert "Complete" in page.text
    assert "Fail" in page.text
    assert status(fake, intent) == "requires_action"
    said = came_back(fake.http.post(question, data={"outcome": outcome}))
    assert said["redirect_status"] == [result]
    assert status(fake, intent) == after
    assert "no question" in fake.http.post(question, data={"outcome": outcome}).text


def test_the_bank_may_agree_and_still_decline(fake: Running) -> None:
    """After the question the card is charged like any other, and may be declined."""
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = fake.intent()
    question = chosen(fake, intent, card).headers["location"]
    page = fake.http.post(question, data={"outcome": "complete"})
    assert "Your card has insufficient funds." in page.text
    assert status(fake, intent) == "requires_payment_method"


def test_a_payment_that_was_given_up_is_not_paid(fake: Running) -> None:
    """Who comes after the hold is gone is told so, and pays nothing."""
    intent = fake.intent()
    fake.post(f"/v1/payment_intents/{intent['id']}/cancel")
    assert "given up" in chosen(fake, intent, "pm_card_visa", BACK).text
    assert status(fake, intent) == "canceled"


@pytest.mark.parametrize("change", ["x", ""])
def test_a_wrong_secret_opens_nothing(fake: Running, change: str) -> None:
    """The id alone, or with another secret, is not found."""
    intent = fake.intent()
    secret = intent["client_secret"] + change if change else intent["id"]
    for path in (f"/checkout/{secret}", f"/authenticate/{secret}"):
        assert fake.http.get(path).status_code == 404
        assert fake.http.post(path, data={"payment_method": "pm_card_visa"}).is_error


@pytest.mark.parametrize("back", ["javascript:alert(1)", "data:text/html,x", "//example.org"])
def test_only_web_addresses_are_gone_back_to(fake: Running, back: str) -> None:
    """Another kind of address is dropped: the buyer stays here."""
    answer = chosen(fake, fake.intent(), "pm_card_visa", back)
    assert (answer.status_code, "location" in answer.headers) == (200, False)


def test_what_comes_in_is_escaped(fake: Running) -> None:
    """No markup of the address gets into the page."""
    back = 'https://example.org/"><script>alert(1)</script>'
    page = fake.http.get(checkout(fake.intent()), params={"return_url": back})
    assert "<script" not in page.text
    assert "&quot;&gt;&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (4205, "eur", "42.05 EUR"),
        (5, "usd", "0.05 USD"),
        (4200, "jpy", "4200 JPY"),
        (4205, "kwd", "4.205 KWD"),
    ],
)
def test_money_is_shown_in_its_own_units(amount: int, currency: str, shown: str) -> None:
    """Currencies have two decimals, none or three."""
    assert money(amount, currency) == shown
