"""What is sent and answered about tenants and their members."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts.model import Email
from cloud.accounts.permissions import ROLE_SCOPES, Role
from cloud.currencies import Currency
from cloud.errors import Refusal
from cloud.http.access import Caller

MemberRole = Literal["owner", "artist", "staff", "scanner"]
Title = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=80,
        pattern=r"\A[^\x00-\x1f\x7f]+\Z",
        description="As people read it.",
        examples=["The Old Mill"],
    ),
]
Slug = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=40,
        pattern=r"\A[a-z0-9](-?[a-z0-9]){1,39}\Z",
        description="A short name for addresses, which never changes.",
        examples=["old-mill"],
    ),
]
Bps = Annotated[int, Meta(ge=0, le=5000, description="Hundredths of a percent.", examples=[250])]
Fixed = Annotated[int, Meta(ge=0, le=10_000_000, description="Minor units.", examples=[50])]


class FixedFee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the platform takes of each ticket that costs something, in one currency."""

    currency: Currency
    amount: Fixed


FixedFees = Annotated[list[FixedFee], Meta(max_length=200, description="Each currency once.")]


class NewTenant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A venue or an organizer."""

    slug: Slug
    name: Title


class TenantChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tenant's owner may change; null or missing: nothing."""

    name: Title | None = None


class TenantOut(msgspec.Struct, frozen=True):
    """A tenant, to its members."""

    tenant_id: UUID
    slug: str
    name: str
    fee_bps: int
    fees_fixed: FixedFees
    created_at: datetime


class Membership(msgspec.Struct, frozen=True):
    """A tenant, and what one is there."""

    tenant_id: UUID
    slug: str
    name: str
    role: MemberRole


class AdminTenant(msgspec.Struct, frozen=True):
    """A tenant, to the platform."""

    tenant_id: UUID
    slug: str
    name: str
    fee_bps: int
    fees_fixed: FixedFees
    created_at: datetime
    suspended_at: datetime | None


class AfterSlug(msgspec.Struct, frozen=True):
    """The place of a cursor in a list by short name."""

    slug: Slug


class AdminChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the platform decides of a tenant; null or missing: nothing."""

    suspended: bool | None = None
    fee_bps: Bps | None = None
    fees_fixed: FixedFees | None = None


class Member(msgspec.Struct, frozen=True):
    """A member, to the other members."""

    account_id: UUID
    email: str | None
    name: str
    role: MemberRole
    created_at: datetime


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another role."""

    role: MemberRole


class Invite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ask in, as what."""

    email: Email
    role: MemberRole


class Invitation(msgspec.Struct, frozen=True):
    """An invitation that is open. The same whether the address has an account or not."""

    invitation_id: UUID
    email: str
    role: MemberRole
    created_at: datetime
    expires_at: datetime


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was mailed with an invitation."""

    secret: Annotated[str, Meta(min_length=1, max_length=200)]


def check_outranks(caller: Caller, *roles: str) -> None:
    """Refuse to give or take a role that may do what the caller may not."""
    for role in roles:
        if not ROLE_SCOPES[Role(role)] <= caller.scopes:
            raise Refusal("scope_missing", field="/role", accepted="a role of no more than yours")
