"""Offers of tickets, and when one may be made or accepted. Pure.

Rule: whether an offer may be made, and whether it may still be accepted, are the same questions
about the ticket, asked again: much happens between the two.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts.model import Email
from cloud.tickets.model import Attendee, Held, unfit
from cloud.tickets.model_holder import Binding

SECRET_SIZE: Final = 32  # random bytes
PREFIX: Final = "ust_"  # what a secret begins with, so that a leaked one is known
Secret = Annotated[
    str, Meta(min_length=1, max_length=100, description="The secret of the offer's link.")
]


class State(StrEnum):
    """Stored: renaming a value is a migration."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    LAPSED = "lapsed"


class NewOffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer to whoever has its link, or to one address alone."""

    email: Annotated[Email | None, Meta(description="Whose account alone may accept.")] = None
    expires_in: Annotated[int, Meta(ge=300, le=2_592_000, description="Seconds.")] = 259_200


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What proves that somebody was given the link."""

    secret: Secret


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recipient's consent, with their phone's key if there is one."""

    secret: Secret
    holder: Annotated[
        Binding | None, Meta(description="Proved over the ticket's `gen` as it is offered.")
    ] = None
    attendee: Annotated[Attendee | None, Meta(description="Who will come.")] = None


class Transfer(msgspec.Struct, frozen=True):
    """An offer, to its sender and its recipient."""

    transfer_id: UUID
    event_id: UUID
    ticket_id: UUID
    gen: int
    sender: UUID
    recipient: UUID | None
    email: str | None
    state: State
    expires_at: datetime
    created_at: datetime
    ended_at: datetime | None


class Made(msgspec.Struct, frozen=True):
    """An offer that was just made. The secret is told once."""

    transfer: Transfer
    secret: Annotated[str, Meta(description="For the link; never shown again.")]


class Offer(msgspec.Struct, frozen=True):
    """An offer, to whoever was given its link. `addressed`: one address alone may accept it."""

    transfer_id: UUID
    state: State
    expires_at: datetime
    addressed: bool
    event_id: UUID
    ticket_id: UUID
    gen: int
    event: str
    starts_at: datetime
    timezone: str
    ticket_class: str
    seat: str | None
    live: Annotated[bool, Meta(description="Only a live code admits: bring a phone's key.")]


class Person(NamedTuple):
    """Who wants to accept. `email`: only one that was proved."""

    account: UUID
    email: str | None


class Case(NamedTuple):
    """All that accepting is judged by."""

    transfer: Transfer
    held: Held
    person: Person
    now: datetime


def frozen(held: Held, now: datetime) -> bool:
    """Whether it is too close to doors."""
    return now >= held.doors_at - timedelta(seconds=held.transfer_freeze)


def may_offer(held: Held, now: datetime) -> str | None:
    """Return why a ticket can't be handed over now."""
    if (code := unfit(held)) is not None:
        return code
    if not (held.transfers and held.transferable):
        return "transfer_off"
    return "transfer_frozen" if frozen(held, now) else None


def is_stale(transfer: Transfer, held: Held, now: datetime) -> bool:
    """Whether an open offer can't be accepted any more, so that another may take its place."""
    return now >= transfer.expires_at or not _unchanged(transfer, held)


def _unchanged(transfer: Transfer, held: Held) -> bool:
    return (transfer.gen, transfer.sender) == (held.gen, held.account_id)


def _addressed_to(transfer: Transfer, person: Person) -> bool:
    return transfer.email is None or transfer.email == person.email


# Asked in this order; the first that holds is the answer.
REASONS: Final[tuple[tuple[str, Callable[[Case], bool]], ...]] = (
    ("transfer_over", lambda case: case.transfer.state is not State.OFFERED),
    ("transfer_lapsed", lambda case: case.now >= case.transfer.expires_at),
    ("transfer_to_self", lambda case: case.person.account == case.transfer.sender),
    ("transfer_other_address", lambda case: not _addressed_to(case.transfer, case.person)),
    ("transfer_void", lambda case: not _unchanged(case.transfer, case.held)),
)


def may_accept(case: Case) -> str | None:
    """Return why an offer can't be accepted."""
    for code, holds in REASONS:
        if holds(case):
            return code
    return may_offer(case.held, case.now)
