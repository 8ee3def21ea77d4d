"""What the platform decides of tenants, over HTTP."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud.accounts.sessions import administrator
from cloud.currencies import ACCEPTED, is_in_use
from cloud.db.tenancy import PlatformTx
from cloud.errors import Refusal
from cloud.http.access import Principal, admin
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.tenants import repository
from cloud.tenants.model import AdminChange, AdminTenant, AfterSlug, FixedFee

TENANTS: Final = "/v1/admin/tenants"


@get(TENANTS, opt=admin(), tags=["admin"], operation_id="listAllTenants",
     summary="List all tenants")  # fmt: skip
async def list_all(
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[AdminTenant]:
    """Return all tenants by short name, those suspended too."""
    await administrator(ptx, principal)
    after = decode(cursor, AfterSlug)
    found = await repository.all_tenants(ptx, after.slug if after else None, limit + 1)
    return page(found, limit, lambda tenant: AfterSlug(tenant.slug))


@patch(f"{TENANTS}/{{tenant_id:uuid}}", opt=admin(), tags=["admin"], operation_id="decideTenant",
       summary="Suspend a tenant, or set its fees")  # fmt: skip
async def decide(
    tenant_id: FromPath[UUID],
    data: JSONBody[AdminChange],
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
) -> AdminTenant:
    """Suspend a tenant or let it go on; set its fees, which count for orders from now on."""
    await administrator(ptx, principal)
    _check(data.fees_fixed or ())
    tenant = await repository.decide(ptx, tenant_id, data.fee_bps, data.fees_fixed, data.suspended)
    if tenant is None:
        raise Refusal("not_found")
    said = {"fee_bps": data.fee_bps, "fees_fixed": data.fees_fixed, "suspended": data.suspended}
    detail = {name: value for name, value in said.items() if value is not None}
    await ptx.audit("tenant.decided", f"tenant:{tenant_id}", **detail)
    return tenant


def _check(fees: Sequence[FixedFee]) -> None:
    """Refuse currencies that nobody can pay in, and those that are named again."""
    named: set[str] = set()
    for place, each in enumerate(fees):
        field = f"/fees_fixed/{place}/currency"
        if not is_in_use(each.currency):
            raise Refusal("currency_unknown", field=field, accepted=ACCEPTED)
        if each.currency in named:
            raise Refusal("invalid_request", field=field, accepted="each currency once")
        named.add(each.currency)


ROUTES: Final = (list_all, decide)
