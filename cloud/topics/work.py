"""What the service tells itself to do. Nobody else is told."""

from datetime import datetime
from uuid import UUID

from cloud.topics.form import OfEvent as OfEvent
from cloud.topics.form import Sealed, Told


class Refund(Told, frozen=True):
    """Ask the provider. Key: `refund:<id>`."""

    refund_id: UUID
    order_id: UUID


class Batch(Told, frozen=True):
    """Issue a list's next tickets. Key: `job:<id>`."""

    job_id: UUID


class Invitation(Told, frozen=True):
    """Mail an invitation. Key: `invitation:<id>`."""

    invitation_id: UUID
    sealed: Sealed


class News(OfEvent, frozen=True):
    """Mail the next page of those who had tickets `since` then. Key: the event's."""

    kind: str  # of cloud/notify/model.py
    since: datetime
    after: int  # the number of the last ticket whose holder was told


class HookPaused(Told, frozen=True):
    """A webhook that takes nothing any more. Key: `hook:<id>`."""

    endpoint_id: UUID
    why: str  # "failing", "gone"
