"""What enrolments look like at the console."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.devices.enrolment_rows import Held
from cloud.devices.enrolments import state_of
from cloud.devices.model import Appliance
from cloud.devices.shapes import Hex32, Name, Site
from shared import hashing


class NewEnrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the device is to be."""

    name: Name
    kind: Appliance = "kiosk"
    site: Site = 0


class Digits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the device shows, as a person read it."""

    digits: Annotated[str, Meta(pattern=r"^[0-9]{6}$", examples=["958594"])]


class EnrolmentOut(msgspec.Struct, frozen=True, kw_only=True):
    """How an enrolment stands. Nothing of it tells the digits."""

    enrolment_id: UUID
    name: str
    kind: Appliance
    site: int
    state: Literal["offered", "claimed", "revealed", "confirmed", "void", "revoked", "expired"]
    device: Hex32 | None  # whose key has claimed it
    created_at: datetime
    expires_at: datetime


class OfferOut(EnrolmentOut, frozen=True, kw_only=True):
    """An offer, to be shown to one device."""

    offer: str
    svg: str  # where the same is a code to be read by a camera
    png: str


def shown(held: Held, now: datetime) -> EnrolmentOut:
    """Return an enrolment as it is shown."""
    enrolment = held.enrolment
    said: Any = state_of(enrolment, now)
    return EnrolmentOut(
        enrolment_id=held.enrolment_id,
        name=held.name,
        kind=held.appliance,
        site=held.site,
        state=said,
        device=hashing.device_id(enrolment.pk).hex() if enrolment.hello else None,
        created_at=held.created_at,
        expires_at=datetime.fromtimestamp(enrolment.offer.expires, UTC),
    )
