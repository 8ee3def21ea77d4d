"""Enrolment at the console: offer, look, type the digits, take back."""

import asyncio
import secrets
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud.db.tenancy import TenantTx
from cloud.devices import enrolment_rows as rows
from cloud.devices import enrolments, offers
from cloud.devices.enrolment_rows import Place
from cloud.devices.enrolment_shapes import Digits, EnrolmentOut, NewEnrolment, OfferOut, shown
from cloud.devices.enrolments import LIFE
from cloud.devices.shapes import DEVICES
from cloud.errors import Refusal
from cloud.http.access import needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys import keyset
from cloud.keys.issuers import Issuers
from cloud.settings import Settings
from cloud.tickets import codes
from shared.devices.enrolment import Offer, offer_text

ENROLMENTS: Final = f"{DEVICES}/enrolments"
ENROLMENT: Final = f"{ENROLMENTS}/{{enrolment_id:uuid}}"
OVER: Final = {"expired": "enrol_expired", "revoked": "enrol_revoked"}


@post(ENROLMENTS, opt=needs("devices:write"), tags=["devices"], operation_id="offerEnrolment",
      summary="Offer an enrolment")  # fmt: skip
async def make_offer(
    data: JSONBody[NewEnrolment],
    request: Request[Any, Any, Any],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
    settings: NamedDependency[Settings],
) -> OfferOut:
    """Make a code that one device enrols with, within ten minutes."""
    root = (await keyset.current(tx, issuers.keyring)).root
    host = request.headers.get("host", "")
    origin = offers.origin_of(settings.public_url, settings.reached_at, host)
    until = int((tx.now + LIFE).timestamp())
    made = Offer(origin, secrets.token_bytes(enrolments.NONCE), tx.tenant.bytes, until, root)
    text = offers.text_of(made)
    held = await enrolments.offer(tx, made, data.name, data.kind, data.site)
    path = f"/v1/tenants/{tx.tenant}/devices/enrolments/{held.enrolment_id}"
    said = msgspec.structs.asdict(shown(held, tx.now))
    return OfferOut(**said, offer=text, svg=f"{path}/code.svg", png=f"{path}/code.png")


@get(ENROLMENTS, opt=needs("devices:read"), tags=["devices"], operation_id="listEnrolments",
     summary="List enrolments")  # fmt: skip
async def list_enrolments(
    tx: NamedDependency[TenantTx], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Page[EnrolmentOut]:
    """Return the enrolments of the last 30 days, the newest first."""
    found = await rows.every(tx, decode(cursor, Place), limit + 1)
    return page(
        [shown(each, tx.now) for each in found],
        limit,
        lambda each: Place(each.created_at, each.enrolment_id),
    )


@get(ENROLMENT, opt=needs("devices:read"), tags=["devices"], operation_id="readEnrolment",
     summary="Read an enrolment")  # fmt: skip
async def read(enrolment_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EnrolmentOut:
    """Return how far a device has come."""
    return shown(await rows.find(tx, enrolment_id), tx.now)


@get(f"{ENROLMENT}/code.txt", opt=needs("devices:write"), media_type="text/plain",
     tags=["devices"], operation_id="readOfferText", summary="Read an offer")  # fmt: skip
async def code_text(enrolment_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> str:
    """Return the offer's text, to be typed into a device."""
    return await _offered(tx, enrolment_id)


@get(f"{ENROLMENT}/code.svg", opt=needs("devices:write"), media_type="image/svg+xml",
     tags=["devices"], operation_id="readOfferSvg", summary="Read an offer as SVG")  # fmt: skip
async def code_svg(enrolment_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> bytes:
    """Return the offer as a picture for a screen."""
    drawn = await asyncio.to_thread(offers.draw, await _offered(tx, enrolment_id))
    return codes.svg(drawn, "Enrolment")


@get(f"{ENROLMENT}/code.png", opt=needs("devices:write"), media_type="image/png",
     tags=["devices"], operation_id="readOfferPng", summary="Read an offer as PNG")  # fmt: skip
async def code_png(enrolment_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> bytes:
    """Return the offer as a picture for a screen."""
    drawn = await asyncio.to_thread(offers.draw, await _offered(tx, enrolment_id))
    return await asyncio.to_thread(codes.png, drawn)


@post(f"{ENROLMENT}/digits", opt=needs("devices:write"), status_code=200, tags=["devices"],
      operation_id="compareDigits", summary="Type in what the device shows")  # fmt: skip
async def compare(
    enrolment_id: FromPath[UUID],
    data: JSONBody[Digits],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> EnrolmentOut:
    """Let the device in if its digits are right: it is `confirmed`, and on the roster. Otherwise
    the offer is `void`: there is one try, since a second would be a guess."""
    held = await enrolments.compare(tx, issuers.keyring, enrolment_id, data.digits)
    return shown(held, tx.now)


@post(f"{ENROLMENT}/revoke", opt=needs("devices:write"), status_code=200, tags=["devices"],
      operation_id="revokeEnrolment", summary="Take an offer back")  # fmt: skip
async def revoke(enrolment_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> EnrolmentOut:
    """Take an offer back. A device that was let in by it is revoked by itself."""
    return shown(await enrolments.revoke(tx, enrolment_id), tx.now)


async def _offered(tx: TenantTx, enrolment_id: UUID) -> str:
    """Return an offer that can still be taken up."""
    held = await rows.find(tx, enrolment_id)
    state = enrolments.state_of(held.enrolment, tx.now)
    if state != "offered":
        raise Refusal(OVER.get(state, "enrol_used"))
    return offer_text(held.enrolment.offer)


ROUTES: Final = (
    make_offer, list_enrolments, read, code_text, code_svg, code_png, compare, revoke,
)  # fmt: skip
