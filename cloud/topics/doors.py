"""What happens at the doors, once it has come in."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from cloud.topics.form import Hex8, Hex16, Told


class IncidentOpened(Told, frozen=True):
    """An incident that no merge has found before. Key: `incident:<id>`."""

    incident_id: Hex16
    kind: Annotated[str, Meta(examples=["double_entry"])]
    event_ref: Annotated[Hex8, Meta(description="Zeros: about a device's log.")]
    event_id: UUID | None
