"""What routes are given: the transaction of their request, and who calls.

    async def read_order(order_id: FromPath[UUID], tx: NamedDependency[TenantTx],
                         caller: NamedDependency[Caller]) -> Order

`tx` and `caller` belong to routes under `/v1/tenants/{tenant_id:uuid}`; `ptx` (a PlatformTx)
and `principal` to the others. What a route asks of its caller stands in its `opt`
(cloud/http/access.py) and is judged here, before the route runs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, Principal
from cloud.http.kernel import Kernel
from cloud.http.unit import Unit

Entered = tuple[TenantTx, Caller]


async def entered(request: Request[Any, Any, Any], tenant_id: FromPath[UUID]) -> Entered:
    """Enter the tenant of the path, and judge the caller."""
    opt = request.route_handler.opt
    unit: Unit = request.scope["state"]["unit"]
    if opt["access"] != "anyone" and unit.principal.kind == "anonymous":
        raise Refusal("credentials_missing")
    tx, caller = await unit.tenant(request, tenant_id)
    if opt["access"] == "scope":
        caller.need(opt["scope"])
    # Only now: an answer that was kept is nobody's any more who may not ask for it.
    await unit.claim_key(request, tx, caller.actor)
    return tx, caller


@asynccontextmanager
async def entered_before_streaming(
    request: Request[Any, Any, Any], kernel: Kernel, tenant: UUID
) -> AsyncIterator[Entered]:
    """Enter a tenant and judge the caller for a route whose opt says `streams`.

    The transaction is committed at the end, before the first piece of the answer is sent.
    """
    state = request.scope["state"]
    unit = Unit(kernel, state["principal"], state["origin"])
    state["unit"] = unit
    try:
        yield await entered(request, tenant)
        await unit.commit(200, [], b"")
    finally:
        await unit.end()


async def provide_tx(entered: NamedDependency[Entered]) -> TenantTx:
    """Return the tenant's transaction."""
    return entered[0]


async def provide_caller(
    entered: NamedDependency[Entered],
    tx: NamedDependency[TenantTx],  # noqa: ARG001 - after it: litestar runs two at once as tasks
) -> Caller:
    """Return who calls, judged."""
    return entered[1]


async def provide_ptx(request: Request[Any, Any, Any]) -> PlatformTx:
    """Open a transaction outside every tenant. Whether the caller may is the route's to judge."""
    unit: Unit = request.scope["state"]["unit"]
    if request.route_handler.opt["access"] != "anyone" and unit.principal.kind == "anonymous":
        raise Refusal("credentials_missing")
    return await unit.platform(request)


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Return what the credentials prove by themselves."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


DEPENDENCIES: Final[dict[str, Provide]] = {
    "entered": Provide(entered),
    "tx": Provide(provide_tx),
    "caller": Provide(provide_caller),
    "ptx": Provide(provide_ptx),
    "principal": Provide(provide_principal),
}
