"""Money going back: in whole or in parts, never more than was taken. Pure."""

from typing import Final

from cloud.payments.fake import cards, form, refusals
from cloud.payments.fake.form import Form
from cloud.payments.fake.intents import check_step
from cloud.payments.fake.outcome import Making, Outcome
from cloud.payments.fake.refusals import Body

CREATE: Final = frozenset({"payment_intent", "charge", "amount", "metadata", "reason"})
REASONS: Final = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def create(charge: Body, asked: Form, making: Making) -> Outcome:
    """Return a refund of *charge*, and what becomes of it at the buyer's bank."""
    form.only(asked, CREATE)
    reason = form.text(asked, "reason")
    if reason is not None and reason not in REASONS:
        raise refusals.invalid("Invalid reason", "reason")
    amount = _amount(charge, asked)
    lasting = cards.card(charge["payment_method"]).refund
    refund = {
        "id": making.id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": making.now,
        "currency": charge["currency"],
        "metadata": form.metadata(asked),
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "pending" if lasting == "pending" else "succeeded",
    }
    return _settled(refund, _less(charge, amount), lasting)


def _amount(charge: Body, asked: Form) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise refusals.impossible(message, code="charge_already_refunded")
    amount = form.whole(asked, "amount")
    if amount == 0:
        message = "This value must be greater than or equal to 1."
        raise refusals.invalid(message, "amount", "parameter_invalid_integer")
    if amount is not None and amount > left:
        # Stripe gives no code here, only the parameter.
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise refusals.impossible(message, "amount")
    amount = left if amount is None else amount
    check_step(amount, charge["currency"])
    return amount


def _less(charge: Body, amount: int) -> Body:
    gone = charge["amount_refunded"] + amount
    return {**charge, "amount_refunded": gone, "refunded": gone == charge["amount"]}


def _settled(refund: Body, charge: Body, lasting: str) -> Outcome:
    told = (("charge.refunded", charge), ("refund.created", refund))
    if lasting == "pending":
        done = {**refund, "status": "succeeded"}
        return Outcome(refund, (charge, done), (*told, ("refund.updated", done)))
    if lasting == "failed":
        failed = {**refund, "status": "failed", "failure_reason": "expired_or_canceled_card"}
        back = _less(charge, -refund["amount"])
        return Outcome(refund, (back, failed), (*told, ("refund.failed", failed)))
    return Outcome(refund, (charge, refund), told)
