"""Mail as the API shows it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.notify.model import Kind, State


class MailOut(msgspec.Struct, frozen=True):
    """A mail, by ids: to whom, about what, and what became of it."""

    mail_id: UUID
    kind: Kind
    account_id: Annotated[
        UUID | None, Meta(description="Null: to the address of what it is about.")
    ]
    about: Annotated[Mapping[str, Any], Meta(description="Ids and amounts.")]
    state: State
    attempts: int
    created_at: datetime
    due_at: Annotated[datetime, Meta(description="When it is tried, while it is waiting.")]
    ended_at: datetime | None
    fault: Annotated[
        str, Meta(description="Why it was not taken, as a code.", examples=["550 5.1.1"])
    ]


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an organizer may mail you. The rest follows from what you do, and always comes."""

    incidents: Annotated[bool, Meta(description="What is to be settled at the doors.")]
    invitations: Annotated[bool, Meta(description="To work with the organizer.")]
    offers: Annotated[bool, Meta(description="Of tickets, by others.")]
