"""The life of a payment intent: created, confirmed, asked about, paid, declined, given up. Pure.

Each function takes an intent as it is kept and returns what becomes of it.
"""

from typing import Final

from cloud.currencies import is_in_use
from cloud.payments.fake import cards, form, refusals
from cloud.payments.fake.cards import Card
from cloud.payments.fake.form import Form
from cloud.payments.fake.outcome import Making, Outcome
from cloud.payments.fake.refusals import Body
from cloud.payments.units import charged_step

AMOUNT_MIN: Final = 50
AMOUNT_MAX: Final = 99_999_999
OPEN: Final = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
REASONS: Final = frozenset({"duplicate", "fraudulent", "requested_by_customer", "abandoned"})
CREATE: Final = frozenset(
    {
        "allowed_payment_method_types",
        "amount",
        "automatic_payment_methods",
        "confirm",
        "currency",
        "description",
        "metadata",
        "payment_method",
        "receipt_email",
        "return_url",
        "statement_descriptor",
        "statement_descriptor_suffix",
    }
)


def create(asked: Form, making: Making) -> Outcome:
    """Return a new intent, confirmed at once where that is asked for."""
    form.only(asked, CREATE)
    intent = _new(asked, making)
    created = Outcome(intent, (intent,), (("payment_intent.created", intent),))
    if not form.yes(asked, "confirm"):
        return created
    confirmed = confirm(intent, _kept(asked, "return_url"), making)
    return confirmed._replace(events=created.events + confirmed.events)


def confirm(intent: Body, asked: Form, making: Making) -> Outcome:
    """Return what becomes of the intent as the buyer pays with a card."""
    form.only(asked, frozenset({"payment_method", "return_url"}))
    if intent["status"] not in OPEN:
        raise _state(intent, "confirm")
    named = form.text(asked, "payment_method") or intent["payment_method"]
    if named is None:
        raise _state(intent, "confirm", "it has no payment method")
    intent = {**intent, "payment_method": named, "last_payment_error": None, "next_action": None}
    card = cards.card(named)
    if not card.asks:
        return _charge(intent, card, making)
    intent["status"] = "requires_action"
    intent["next_action"] = _step(intent, form.text(asked, "return_url"), making)
    return Outcome(intent, (intent,), (("payment_intent.requires_action", intent),))


def authenticate(intent: Body, passed: bool, making: Making) -> Outcome:
    """Return what becomes of the intent once the buyer has answered the bank."""
    if intent["status"] != "requires_action":
        raise _state(intent, "authenticate")
    if passed:
        card = cards.card(intent["payment_method"])
        return _charge({**intent, "next_action": None}, card, making)
    failed = _unpaid(
        intent,
        "The provided PaymentMethod has failed authentication.",
        code="payment_intent_authentication_failure",
    )
    return Outcome(failed, (failed,), (("payment_intent.payment_failed", failed),))


def cancel(intent: Body, asked: Form, making: Making) -> Outcome:
    """Return the intent given up."""
    form.only(asked, frozenset({"cancellation_reason"}))
    reason = form.text(asked, "cancellation_reason")
    if reason is not None and reason not in REASONS:
        raise refusals.invalid("Invalid cancellation_reason", "cancellation_reason")
    if intent["status"] not in OPEN:
        raise _state(intent, "cancel")
    given_up = {
        **intent,
        "status": "canceled",
        "next_action": None,
        "canceled_at": making.now,
        "cancellation_reason": reason,
    }
    return Outcome(given_up, (given_up,), (("payment_intent.canceled", given_up),))


def _new(asked: Form, making: Making) -> Body:
    method = form.text(asked, "payment_method")
    if method is not None:
        cards.card(method)
    amount, currency = _amount(asked), _currency(asked)
    check_step(amount, currency)
    named = making.id("pi")
    return {
        "id": named,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": making.id(f"{named}_secret"),
        "confirmation_method": "automatic",
        "created": making.now,
        "currency": currency,
        "description": form.text(asked, "description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": form.metadata(asked),
        "next_action": None,
        "payment_method": method,
        "payment_method_types": ["card"],
        "status": "requires_confirmation" if method else "requires_payment_method",
    }


def _amount(asked: Form) -> int:
    form.required(asked, "amount")
    amount = form.whole(asked, "amount") or 0
    if amount < AMOUNT_MIN:
        raise refusals.invalid("Amount is too small.", "amount", "amount_too_small")
    if amount > AMOUNT_MAX:
        raise refusals.invalid("Amount is too large.", "amount", "amount_too_large")
    return amount


def _currency(asked: Form) -> str:
    currency = form.required(asked, "currency").lower()
    if not is_in_use(currency):
        raise refusals.invalid(f"Invalid currency: {currency[:10]}", "currency")
    return currency


def check_step(amount: int, currency: str) -> None:
    """Refuse an amount with a part that can't be charged."""
    if amount % charged_step(currency):
        raise refusals.invalid(
            f"Invalid amount: {currency} has no such parts.",
            "amount",
            "invalid_charge_amount_no_decimal_compatible",
        )


def _charge(intent: Body, card: Card, making: Making) -> Outcome:
    charge = _attempt(intent, card, making)
    if card.decline is None:
        paid = {
            **intent,
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
        }
        told = (("charge.succeeded", charge), ("payment_intent.succeeded", paid))
        return Outcome(paid, (charge, paid), told)
    why = {"code": card.code, "decline_code": card.decline, "charge": charge["id"]}
    declined = _unpaid({**intent, "latest_charge": charge["id"]}, cards.message(card), **why)
    answer = refusals.error("card_error", cards.message(card), **why, payment_intent=declined)
    told = (("charge.failed", charge), ("payment_intent.payment_failed", declined))
    return Outcome(answer, (charge, declined), told, status=402)


def _attempt(intent: Body, card: Card, making: Making) -> Body:
    paid = card.decline is None
    return {
        "id": making.id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "captured": paid,
        "created": making.now,
        "currency": intent["currency"],
        "failure_code": card.code,
        "failure_message": None if paid else cards.message(card),
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": "card", "card": cards.details(card)},
        "refunded": False,
        "status": "succeeded" if paid else "failed",
    }


def _unpaid(intent: Body, message: str, **why: object) -> Body:
    return {
        **intent,
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": refusals.error("card_error", message, **why)["error"],
    }


def _step(intent: Body, back: str | None, making: Making) -> Body:
    address = f"{making.address}/authenticate/{intent['client_secret']}"
    return {"type": "redirect_to_url", "redirect_to_url": {"url": address, "return_url": back}}


def _state(intent: Body, act: str, why: str | None = None) -> refusals.Refusal:
    return refusals.impossible(
        f"You cannot {act} this PaymentIntent because "
        + (why or f"it has a status of {intent['status']}."),
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )


def _kept(asked: Form, *names: str) -> Form:
    return {name: asked[name] for name in names if name in asked}
