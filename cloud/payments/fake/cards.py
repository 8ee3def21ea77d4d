"""The test cards, by Stripe's ids: what becomes of a payment with each. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cloud.payments.fake import refusals
from cloud.payments.fake.refusals import Body


class Card(NamedTuple):
    """One test card. `code` and `decline` say why it is declined; None: it is not."""

    shown: str
    last4: str = "4242"
    code: str | None = None
    decline: str | None = None
    asks: bool = False  # the bank asks the buyer first (3-D Secure)
    refund: str = "succeeded"  # what becomes of a refund in the end
    brand: str = "visa"


def _declined(shown: str, last4: str, decline: str, code: str = "card_declined") -> Card:
    return Card(shown, last4, code, decline)


CARDS: Final[Mapping[str, Card]] = {
    "pm_card_visa": Card("Visa that pays"),
    "pm_card_mastercard": Card("Mastercard that pays", "4444", brand="mastercard"),
    "pm_card_authenticationRequired": Card("The bank asks first, then it pays", "3184", asks=True),
    "pm_card_threeDSecure2Required": Card("3-D Secure 2, then it pays", "3220", asks=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "The bank asks first, then too little money", "9995", "card_declined",
        "insufficient_funds", asks=True,
    ),
    "pm_card_visa_chargeDeclined": _declined("Declined", "0002", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declined(
        "Too little money", "9995", "insufficient_funds"
    ),
    "pm_card_visa_chargeDeclinedLostCard": _declined("Lost card", "9987", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("Stolen card", "9979", "stolen_card"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _declined(
        "Used too often", "6975", "card_velocity_exceeded"
    ),
    "pm_card_chargeDeclinedExpiredCard": _declined(
        "Expired card", "0069", "expired_card", "expired_card"
    ),
    "pm_card_chargeDeclinedIncorrectCvc": _declined(
        "Wrong security code", "0127", "incorrect_cvc", "incorrect_cvc"
    ),
    "pm_card_chargeDeclinedProcessingError": _declined(
        "Error at the bank", "0119", "processing_error", "processing_error"
    ),
    "pm_card_chargeCustomerFail": _declined("Declined when charged", "0341", "generic_decline"),
    "pm_card_pendingRefund": Card("Pays; a refund takes a while", "7726", refund="pending"),
    "pm_card_refundFail": Card("Pays; a refund fails later", "5126", refund="failed"),
}  # fmt: skip

MESSAGES: Final[Mapping[str, str]] = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card.",
}


def card(method: str) -> Card:
    """Return the card of that id, or refuse."""
    found = CARDS.get(method)
    if found is None:
        raise refusals.missing("PaymentMethod", method, "payment_method")
    return found


def message(declined: Card) -> str:
    """Return what the buyer is told."""
    return MESSAGES.get(declined.decline or "", "Your card was declined.")


def method(named: str, now: int) -> Body:
    """Return the payment method as Stripe shows it."""
    if named not in CARDS:
        raise refusals.missing("PaymentMethod", named)
    return {
        "id": named,
        "object": "payment_method",
        "type": "card",
        "card": details(CARDS[named]),
        "created": now,
        "customer": None,
        "livemode": False,
        "metadata": {},
    }


def details(shown: Card) -> Body:
    """Return what Stripe tells of a card."""
    return {"brand": shown.brand, "last4": shown.last4, "exp_month": 12, "exp_year": 2040}
