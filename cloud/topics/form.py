"""What the schemas are made of."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

Money = Annotated[int, Meta(ge=0, description="In the currency's smallest unit.", examples=[2500])]
Currency = Annotated[str, Meta(pattern="^[a-z]{3}$", examples=["eur"])]
Count = Annotated[int, Meta(ge=0, examples=[3])]
Hex8 = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", examples=["0123456789abcdef"])]
Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", examples=["0123456789abcdef" * 2])]
Sealed = Annotated[str, Meta(description="For the service's own eyes.")]


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A payload. Ids, numbers and codes alone; never a name, an address, or a secret unsealed."""


class OfEvent(Told, frozen=True):
    """About an event."""

    event_id: UUID
