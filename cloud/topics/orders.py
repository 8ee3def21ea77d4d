"""Orders, payments and refunds. Key: `order:<id>`."""

from uuid import UUID

from cloud.topics.form import Currency, Money, Told


class Paid(Told, frozen=True):
    """An order that was paid."""

    order_id: UUID
    event_id: UUID
    account_id: UUID


class Ended(Told, frozen=True):
    """An order that nobody paid."""

    order_id: UUID
    event_id: UUID
    account_id: UUID


class Refunded(Told, frozen=True):
    """Tickets that were taken back, and what they were worth."""

    order_id: UUID
    event_id: UUID
    account_id: UUID
    ticket_ids: tuple[UUID, ...]
    amount: Money
    currency: Currency


class PaymentReturned(Told, frozen=True):
    """A payment that goes back whole."""

    order_id: UUID
    account_id: UUID
    amount: Money
    currency: Currency
    reason: str


class RefundSucceeded(Told, frozen=True):
    """Money that the provider gave back."""

    refund_id: UUID
    order_id: UUID
    account_id: UUID
    amount: Money
    currency: Currency


class RefundFailed(Told, frozen=True):
    """Money that the provider could not give back."""

    refund_id: UUID
    order_id: UUID
    amount: Money
    currency: Currency
    fault: str
