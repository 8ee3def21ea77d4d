"""Tickets and transfers. Key: the ticket's id, or `event:<id>` for many."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from cloud.topics.form import Count, OfEvent, Sealed


class Issued(OfEvent, frozen=True):
    """Tickets with `count` numbers from `first` on."""

    first: Annotated[int, Meta(ge=0, examples=[1])]
    count: Count
    job_id: UUID | None = None


class TicketChanged(OfEvent, frozen=True):
    """A ticket that was signed anew."""

    ticket_id: UUID


class ManyChanged(OfEvent, frozen=True):
    """Tickets that were signed anew."""

    count: Count


class Transfer(OfEvent, frozen=True):
    """A transfer. `recipient`: the account that accepted, or that it was offered to."""

    transfer_id: UUID
    ticket_id: UUID
    sender: UUID | None
    recipient: UUID | None
    sealed: Sealed | None = None
