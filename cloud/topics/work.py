"""What the service tells itself to do. Nobody else is told."""

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


class HookPaused(Told, frozen=True):
    """A webhook that takes nothing any more. Key: `hook:<id>`."""

    endpoint_id: UUID
    why: str  # "failing", "gone"
