"""Tenants over HTTP: made by whoever has a verified address, who becomes the owner."""

from typing import Final

from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from cloud.accounts.sessions import signed_in
from cloud.db.tenancy import PlatformTx, TenantTx, enter
from cloud.errors import Refusal
from cloud.http.access import Principal, fan, needs
from cloud.tenants import repository
from cloud.tenants.model import Membership, NewTenant, TenantChange, TenantOut

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"


@post(
    "/v1/tenants", opt=fan(), tags=["tenants"], operation_id="makeTenant", summary="Make a tenant"
)
async def make(
    data: JSONBody[NewTenant],
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
) -> TenantOut:
    """Make a tenant, whose owner you are. Your mail address must be verified."""
    account = await signed_in(ptx, principal)
    if account.email_verified_at is None:
        raise Refusal("email_unverified")
    tenant = await repository.create(ptx, data.slug, data.name)
    if tenant is None:
        raise Refusal("slug_taken", field="/slug")
    await enter(ptx.conn, tenant.tenant_id, ptx.origin.actor)
    tx = TenantTx(ptx.conn, tenant.tenant_id, ptx.origin, ptx.now)
    await repository.add_member(tx, account.account_id, "owner")
    await tx.audit("tenant.made", f"tenant:{tenant.tenant_id}")
    await ptx.audit("tenant.made", f"tenant:{tenant.tenant_id}")
    return tenant


@get("/v1/tenants", opt=fan(), tags=["tenants"], operation_id="listTenants",
     summary="List your tenants")  # fmt: skip
async def list_mine(
    ptx: NamedDependency[PlatformTx], principal: NamedDependency[Principal]
) -> list[Membership]:
    """Return the tenants that you are a member of, and what you are there."""
    account = await signed_in(ptx, principal)
    return await repository.mine(ptx, account.account_id)


@get(TENANT, opt=needs("tenant:read"), tags=["tenants"], operation_id="readTenant",
     summary="Read a tenant")  # fmt: skip
async def read(tx: NamedDependency[TenantTx]) -> TenantOut:
    """Return the tenant and its fees."""
    return await repository.read(tx)


@patch(TENANT, opt=needs("tenant:write"), tags=["tenants"], operation_id="changeTenant",
       summary="Change a tenant")  # fmt: skip
async def change(data: JSONBody[TenantChange], tx: NamedDependency[TenantTx]) -> TenantOut:
    """Change the tenant's name."""
    if data.name is not None:
        await repository.rename(tx, data.name)
        await tx.audit("tenant.changed", f"tenant:{tx.tenant}")
    return await repository.read(tx)


ROUTES: Final = (make, list_mine, read, change)
