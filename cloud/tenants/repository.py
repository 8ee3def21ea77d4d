"""Tenants and their members in PostgreSQL."""

from collections.abc import Sequence
from typing import Final, LiteralString, TypeVar
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller
from cloud.tenants.model import AdminTenant, FixedFee, Member, Membership, TenantOut

Out = TypeVar("Out", TenantOut, AdminTenant)

CREATE: Final[LiteralString] = """
    INSERT INTO tenant (slug, name, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (slug) DO NOTHING
    RETURNING tenant_id, slug, name, fee_bps, fees_fixed, created_at
"""


async def create(ptx: PlatformTx, slug: str, name: str) -> TenantOut | None:
    """Make a tenant; None where the short name is in use."""
    row = await ptx.conn.fetchrow(CREATE, slug, name, ptx.now)
    return _out(TenantOut, row) if row else None


MINE: Final[LiteralString] = "SELECT tenant_id, slug, name, role FROM memberships($1)"


async def mine(ptx: PlatformTx, account: UUID) -> list[Membership]:
    """Return the tenants of an account, those suspended left out."""
    return [Membership(**row) for row in await ptx.conn.fetch(MINE, account)]


READ: Final[LiteralString] = """
    SELECT tenant_id, slug, name, fee_bps, fees_fixed, created_at FROM tenant
     WHERE tenant_id = current_tenant()
"""


async def read(tx: TenantTx) -> TenantOut:
    """Return the tenant entered."""
    row = await tx.conn.fetchrow(READ)
    if row is None:
        raise RuntimeError("a tenant was entered that isn't there")
    return _out(TenantOut, row)


RENAME: Final[LiteralString] = "UPDATE tenant SET name = $1 WHERE tenant_id = current_tenant()"


async def rename(tx: TenantTx, name: str) -> None:
    """Give the tenant another name."""
    await tx.conn.execute(RENAME, name)


ALL: Final[LiteralString] = """
    SELECT tenant_id, slug, name, fee_bps, fees_fixed, created_at, suspended_at FROM tenant
     WHERE $1::text IS NULL OR slug > $1 ORDER BY slug LIMIT $2
"""


async def all_tenants(ptx: PlatformTx, after: str | None, most: int) -> list[AdminTenant]:
    """Return tenants by short name, from the one after `after` on."""
    return [_out(AdminTenant, row) for row in await ptx.conn.fetch(ALL, after, most)]


DECIDE: Final[LiteralString] = """
    UPDATE tenant SET fee_bps = coalesce($2, fee_bps), fees_fixed = coalesce($3, fees_fixed),
           suspended_at = CASE WHEN $4::boolean IS NULL THEN suspended_at
                               WHEN $4 THEN coalesce(suspended_at, $5) END
     WHERE tenant_id = $1
    RETURNING tenant_id, slug, name, fee_bps, fees_fixed, created_at, suspended_at
"""


async def decide(
    ptx: PlatformTx,
    tenant: UUID,
    fee_bps: int | None,
    fees_fixed: Sequence[FixedFee] | None,
    suspended: bool | None,
) -> AdminTenant | None:
    """Set what the platform decides of a tenant."""
    row = await ptx.conn.fetchrow(DECIDE, tenant, fee_bps, fees_fixed, suspended, ptx.now)
    return _out(AdminTenant, row) if row else None


def _out(kind: type[Out], row: Row) -> Out:
    return kind(**{**row, "fees_fixed": [FixedFee(**each) for each in row["fees_fixed"]]})


MEMBERS: Final[LiteralString] = """
    SELECT m.account_id, a.email, a.name, m.role, m.created_at
      FROM member m JOIN account a USING (account_id)
     WHERE m.tenant_id = current_tenant() AND ($1::uuid IS NULL OR m.account_id > $1)
     ORDER BY m.account_id LIMIT $2
"""


async def members(tx: TenantTx, after: UUID | None, most: int) -> list[Member]:
    """Return members, from the one after `after` on."""
    return [Member(**row) for row in await tx.conn.fetch(MEMBERS, after, most)]


MEMBER: Final[LiteralString] = """
    SELECT m.account_id, a.email, a.name, m.role, m.created_at
      FROM member m JOIN account a USING (account_id)
     WHERE m.tenant_id = current_tenant() AND m.account_id = $1
"""


async def member(tx: TenantTx, account: UUID) -> Member | None:
    """Return a member."""
    row: Row | None = await tx.conn.fetchrow(MEMBER, account)
    return Member(**row) if row else None


ADD: Final[LiteralString] = """
    INSERT INTO member (account_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""


async def add_member(tx: TenantTx, account: UUID, role: str) -> bool:
    """Make an account a member; False if it is one already."""
    return await tx.conn.execute(ADD, account, role) == "INSERT 0 1"


STANDING: Final[LiteralString] = """
    SELECT role FROM member WHERE tenant_id = current_tenant() AND account_id = $1 FOR SHARE
"""


async def keep_standing(tx: TenantTx, caller: Caller) -> None:
    """Let nobody take the caller's role until this transaction ends, or refuse: it was just taken.

    What a member hands out is taken back with the role (`revoke_all_of`), which does not see what
    is being made at that moment.
    """
    if caller.account is None:
        return
    if await tx.conn.fetchval(STANDING, caller.account) != caller.role:
        raise Refusal("scope_missing")


OWNERS: Final[LiteralString] = """
    SELECT account_id FROM member WHERE tenant_id = current_tenant() AND role = 'owner'
     ORDER BY account_id FOR UPDATE
"""


async def owners(tx: TenantTx) -> set[UUID]:
    """Return the owners, locked: two who go at once see one another."""
    return {row["account_id"] for row in await tx.conn.fetch(OWNERS)}


SET_ROLE: Final[LiteralString] = """
    UPDATE member SET role = $2 WHERE tenant_id = current_tenant() AND account_id = $1
"""


async def set_role(tx: TenantTx, account: UUID, role: str) -> None:
    """Give a member another role."""
    await tx.conn.execute(SET_ROLE, account, role)


REMOVE: Final[LiteralString] = """
    DELETE FROM member WHERE tenant_id = current_tenant() AND account_id = $1
"""


async def remove_member(tx: TenantTx, account: UUID) -> None:
    """Make an account a member no more."""
    await tx.conn.execute(REMOVE, account)
