"""What is sent and answered about webhooks."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.tenants.model import Title

Url = Annotated[
    str, Meta(min_length=1, max_length=2000, examples=["https://example.com/usher-hooks"])
]
Topics = Annotated[
    list[Annotated[str, Meta(max_length=64, examples=["order.paid"])]],
    Meta(max_length=100, description="Topics of /v1/asyncapi.json; empty: all of them."),
]


class In(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what is sent here."""


class NewHook(In, frozen=True):
    """A webhook to be made."""

    url: Url
    name: Title
    topics: Topics = []


class HookChange(In, frozen=True):
    """What is to be another. What is left out stays."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    name: Title | msgspec.UnsetType = msgspec.UNSET
    topics: Topics | msgspec.UnsetType = msgspec.UNSET


class HookOut(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, without its secret. `failures`: in a row."""

    endpoint_id: UUID
    url: str
    name: str
    topics: list[str]
    created_at: datetime
    state: Literal["active", "paused"]
    paused_for: Literal["", "asked", "failing", "gone"]
    failures: int
    failing_since: datetime | None
    two_secrets_until: datetime | None


class HookSecret(msgspec.Struct, frozen=True):
    """A webhook's secret, shown this once, as the Standard Webhooks libraries take it."""

    endpoint_id: UUID
    secret: Annotated[str, Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class NewHookOut(HookOut, frozen=True, kw_only=True):
    """A webhook with its secret, which is shown this once."""

    secret: Annotated[str, Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class Attempt(msgspec.Struct, frozen=True):
    """One call. `status` 0: there was no answer, and `fault` says why."""

    at: datetime
    status: int
    fault: str
    ms: int


class DeliveryOut(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, and how its last call went."""

    delivery_id: UUID
    webhook_id: Annotated[str, Meta(description="The header of the same name.")]
    topic: str
    state: Literal["waiting", "taken", "given_up"]
    created_at: datetime
    attempts: int
    next_at: datetime | None
    last: Attempt | None


class DeliveryDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery sends, and every call that was made."""

    delivery_id: UUID
    body: Any
    calls: list[Attempt]


class Since(In, frozen=True):
    """From when on."""

    since: Annotated[datetime, Meta(tz=True, examples=["2027-05-01T18:00:00Z"])]


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries are sent again."""

    deliveries: int


class AfterDelivery(msgspec.Struct, frozen=True):
    """The place of a cursor in a list of deliveries."""

    at: Annotated[datetime, Meta(tz=True)]
    delivery_id: UUID
