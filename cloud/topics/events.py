"""Events and their keys. Key: `event:<id>`."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from cloud.topics.form import OfEvent, Told

Moment = Annotated[datetime, Meta(tz=True)]
Version = Annotated[int, Meta(ge=1, description="Of the event, as its ETag has it.")]


class EventChanged(OfEvent, frozen=True):
    """An event as it stands from this version on."""

    version: Version
    class_index: int | None = None


class Times(Told, frozen=True):
    """When an event is; null: not said."""

    doors_at: Moment | None
    starts_at: Moment | None
    ends_at: Moment | None


class Moved(OfEvent, frozen=True):
    """An event's times."""

    version: Version
    before: Times
    after: Times
    exp: Annotated[int, Meta(description="When its tickets' codes end, in Unix seconds.")]
    later: Annotated[bool, Meta(description="Whether it ends later than before.")]


class KeyRevoked(OfEvent, frozen=True):
    """A key that signs no more."""

    kid: Annotated[str, Meta(pattern="^[0-9a-f]+$", examples=["0123456789abcdef"])]
