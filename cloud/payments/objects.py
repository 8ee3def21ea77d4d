"""What the payment provider tells of: intents, refunds, charges. Pure.

Amounts are in minor units once `in_minor_units` has read them; before that, in Stripe's own.

Stripe's own names and values. Fields that we do not use are dropped as they are read, and a
status that is not listed here is refused, as is an amount or a currency that there can't be:
money never moves on a word that nobody understood.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from cloud.payments.units import received

Told = TypeVar("Told", bound=msgspec.Struct)
AMOUNT_MAX: Final = 2**53 - 1  # more, and sums of them, the books can't hold
AMOUNTS: Final = ("amount", "amount_received", "amount_refunded")
Amount = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]
Currency = Annotated[str, Meta(pattern=r"\A[a-z]{3}\Z")]  # ISO 4217


class IntentStatus(StrEnum):
    """How far a payment has come; `SUCCEEDED` and `CANCELED` are final."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """How far a refund has come; one that succeeded may still fail at the buyer's bank."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Intent(msgspec.Struct, frozen=True):
    """One payment. Whoever knows `client_secret` may pay it, so it is in no repr."""

    id: str
    status: IntentStatus
    amount: Amount
    currency: Currency
    client_secret: str | None = None
    metadata: dict[str, str] = {}
    amount_received: Amount = 0

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"Intent({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What may be shown: all but the secret."""
        return [(name, getattr(self, name)) for name in SHOWN]


SHOWN = tuple(name for name in Intent.__struct_fields__ if name != "client_secret")


class RefundResult(msgspec.Struct, frozen=True):
    """One refund of one payment, whole or in part."""

    id: str
    status: RefundStatus
    amount: Amount
    currency: Currency
    payment_intent: str | None = None
    metadata: dict[str, str] = {}
    failure_reason: str | None = None


class Charge(msgspec.Struct, frozen=True):
    """One taking of money, with what has gone back since."""

    id: str
    amount: Amount
    amount_refunded: Amount
    currency: Currency
    refunded: bool
    payment_intent: str | None = None


class Other(msgspec.Struct, frozen=True):
    """An object that we have no use for: what it is, and nothing of its content."""

    object: str
    id: str | None = None


def in_minor_units(told: Told) -> Told:
    """Return what was told in Stripe's units, or raise where minor units have no such amount."""
    currency = getattr(told, "currency", None)
    if currency is None:
        return told
    amounts = [name for name in AMOUNTS if hasattr(told, name)]
    minor = {name: _minor(getattr(told, name), currency) for name in amounts}
    return msgspec.structs.replace(told, **minor)


def _minor(amount: int, currency: str) -> int:
    minor = received(amount, currency)
    if minor is None or minor > AMOUNT_MAX:
        raise msgspec.ValidationError("There is no such amount.")
    return minor
