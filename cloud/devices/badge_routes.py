"""Badges over HTTP: make, list, revoke."""

import asyncio
import secrets
from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from cloud.db.tenancy import TenantTx
from cloud.devices import badges, offers, rosters
from cloud.devices.badges import Badge
from cloud.devices.shapes import TENANT, Hex32, Hex64, Name
from cloud.http.access import needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys.issuers import Issuers
from cloud.tickets import codes
from shared import keys
from shared.devices.badge import encode_badge
from shared.devices.roster import BadgeRole

BADGES: Final = f"{TENANT}/badges"
BadgeId = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{32}\Z", min_length=32, max_length=32, description="32 hex digits."
    ),
]


class NewBadge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A badge. `public`: the key of one that was made elsewhere; null: make one here."""

    name: Name
    role: BadgeRole
    public: Hex64 | None = None


class BadgeRevocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Since when the badge was lost; null: now. What it vouched for before still counts."""

    since: Annotated[datetime, Meta(tz=True)] | None = None


class BadgeOut(msgspec.Struct, frozen=True, kw_only=True):
    """A badge, by its public half."""

    badge: Hex32
    public: str
    name: str
    role: BadgeRole
    created_at: datetime
    revoked_at: datetime | None


class NewBadgeOut(BadgeOut, frozen=True, kw_only=True):
    """A new badge. Where it was made here, this is the only time that its code is told."""

    code: str | None
    svg: str | None  # the same as a picture


@post(BADGES, opt=needs("badges:write"), tags=["badges"], operation_id="makeBadge",
      summary="Make a badge")  # fmt: skip
async def make(
    data: JSONBody[NewBadge], tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]
) -> NewBadgeOut:
    """Put a badge on the roster. Of one that is made here only the public half is kept: print the
    code, or make another badge."""
    seed = None if data.public else secrets.token_bytes(keys.SEED_SIZE)
    public = keys.public_key(seed) if seed else bytes.fromhex(data.public or "")
    made = await badges.add(tx, public, data.name, data.role)
    await rosters.publish(tx, issuers.keyring)
    said = msgspec.structs.asdict(_shown(made))
    if seed is None:
        return NewBadgeOut(**said, code=None, svg=None)
    code = encode_badge(seed)
    drawn = await asyncio.to_thread(offers.draw, code)
    return NewBadgeOut(**said, code=code, svg=codes.svg(drawn, data.name).decode())


@get(BADGES, opt=needs("badges:read"), tags=["badges"], operation_id="listBadges",
     summary="List badges")  # fmt: skip
async def list_badges(
    tx: NamedDependency[TenantTx], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Page[BadgeOut]:
    """Return the badges, also those that were revoked, in the order of their ids."""
    after = decode(cursor, Hex32) or ""
    found = await badges.every(tx, bytes.fromhex(after), limit + 1)
    return page([_shown(each) for each in found], limit, lambda each: each.badge)


@post(f"{BADGES}/{{badge_id:str}}/revoke", opt=needs("badges:write"), status_code=200,
      tags=["badges"], operation_id="revokeBadge", summary="Revoke a badge")  # fmt: skip
async def revoke(
    badge_id: BadgeId,
    data: JSONBody[BadgeRevocation],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> BadgeOut:
    """Let a badge vouch for nothing more. Repeating it is harmless; an earlier time may be said
    later, and a later one changes nothing."""
    gone = await badges.revoke(tx, bytes.fromhex(badge_id), data.since)
    await rosters.publish(tx, issuers.keyring)
    return _shown(gone)


def _shown(badge: Badge) -> BadgeOut:
    return BadgeOut(
        badge=badge.badge_id.hex(),
        public=badge.public.hex(),
        name=badge.name,
        role=badge.role,
        created_at=badge.created_at,
        revoked_at=badge.revoked_at,
    )


ROUTES: Final = (make, list_badges, revoke)
