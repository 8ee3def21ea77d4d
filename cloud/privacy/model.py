"""What is told of a person, and what may keep them from being erased."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts.model import AccountOut, Email, Password
from cloud.checkins.reports import Entry
from cloud.errors import Refusal

FRESH: Final = timedelta(minutes=10)  # since when a sign-in stands for a password
Rows = Sequence[Mapping[str, Any]]


class OfTenant(msgspec.Struct, frozen=True, kw_only=True):
    """What one organizer holds about the person. Rows are as they are stored."""

    tenant_id: UUID
    name: str
    memberships: Rows
    artist_of: Rows
    orders: Rows
    refunds: Rows
    tickets: Rows
    moves: Annotated[Rows, Meta(description="What became of the tickets, and by whom.")]
    transfers: Rows
    invitations: Rows
    check_ins: Sequence[Entry]
    answers: Annotated[Rows, Meta(description="What was asked and written at the gates.")]
    mails: Annotated[Rows, Meta(description="What was mailed, and what became of it.")]
    mail_refused: Annotated[Sequence[str], Meta(description="What you want no more mail about.")]
    wallets: Annotated[Rows, Meta(description="A wallet that you have linked.")]
    keys: Annotated[Rows, Meta(description="Keys of kept addresses that you have taken over.")]
    acts: Annotated[Rows, Meta(description="What the audit says this account did.")]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is held about the person."""

    exported_at: datetime
    profile: AccountOut
    identities: Rows
    sessions: Rows
    acts: Rows
    organizers: Sequence[OfTenant]


class Erase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Erases the account that calls."""

    password: Annotated[
        Password | None, Meta(description="Not needed within ten minutes of a sign-in.")
    ] = None
    confirm: Annotated[bool, Meta(description="Though there are tickets for events to come.")] = (
        False
    )


class EraseGuest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Erases a guest who has no account."""

    email: Email


class Erased(msgspec.Struct, frozen=True):
    """How many rows were blanked. The tickets admit as before."""

    tickets: int
    transfers: int
    invitations: int
    answers: int
    guests: Annotated[int, Meta(description="Lines of guest lists that wait for their tickets.")]

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(*map(sum, zip(*map(msgspec.structs.astuple, (self, other)), strict=True)))


NOTHING: Final = Erased(0, 0, 0, 0, 0)


class Coming(msgspec.Struct, frozen=True):
    """Tickets for an event to come, which their owner could show no more in the app."""

    tenant_id: UUID
    event_id: UUID
    name: str
    starts_at: datetime
    tickets: int


def judge(coming: Sequence[Coming], left_without: Sequence[UUID], *, confirm: bool) -> None:
    """Refuse to erase an account, with the reasons, where something stands against it."""
    if left_without:
        raise Refusal("erase_sole_owner", tenants=list(left_without))
    if coming and not confirm:
        raise Refusal("erase_future_tickets", field="/confirm", accepted="true", events=coming)
