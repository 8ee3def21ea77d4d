"""The audit over HTTP. Nobody writes it but what is done."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from cloud.accounts.sessions import administrator
from cloud.audit import export, repository
from cloud.audit.export import Form
from cloud.audit.model import Act, Asked, Number, moment
from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.http import paging
from cloud.http.access import Principal, admin, needs
from cloud.http.dependencies import entered_before_streaming
from cloud.http.kernel import Kernel
from cloud.http.paging import Cursor, Limit, Page

AUDIT: Final = "/v1/tenants/{tenant_id:uuid}/audit"
WORD: Final = r"\A[!-~]*\Z"
Subject = Annotated[
    str, QueryParameter(max_length=120, pattern=WORD, description="`order:<id>`: to this alone.")
]
Actor = Annotated[
    str, QueryParameter(max_length=120, pattern=WORD, description="`account:<id>`: by them alone.")
]
Action = Annotated[
    str, QueryParameter(max_length=80, pattern=WORD, description="`order.refunded`: this alone.")
]
Since = Annotated[datetime | None, QueryParameter(name="from", description="Not before.")]
Until = Annotated[datetime | None, QueryParameter(name="to", description="Before.")]


@get(AUDIT, opt=needs("audit:read"), tags=["audit"], operation_id="listAudit",
     summary="Read the audit")  # fmt: skip
async def list_audit(
    tx: NamedDependency[TenantTx],
    subject: Subject = "",
    actor: Actor = "",
    action: Action = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = paging.DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[Act]:
    """Return who did what, the newest first."""
    asked = Asked(subject, actor, action, moment(since, "from"), moment(until, "to"))
    return await _page(tx, asked, limit, cursor)


@get(
    f"{AUDIT}/export",
    opt={**needs("audit:read"), "streams": True, "gives": ("text/csv",)},
    tags=["audit"],
    operation_id="exportAudit",
    summary="Export the audit",
    responses={
        200: ResponseSpec(
            bytes,
            generate_examples=False,
            media_type="application/x-ndjson",
            description="A row a line, the oldest first.",
        )
    },
)
async def export_audit(
    tenant_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    kernel: NamedDependency[Kernel],
    form: Annotated[Form, QueryParameter(name="format", description="Of the file.")] = "ndjson",
    subject: Subject = "",
    actor: Actor = "",
    action: Action = "",
    since: Since = None,
    until: Until = None,
) -> Stream:
    """Return everything as a file, sent piece by piece. The export is in the audit as well."""
    asked = Asked(subject, actor, action, moment(since, "from"), moment(until, "to"))
    async with entered_before_streaming(request, kernel, tenant_id) as (tx, _):
        last = await repository.newest(tx)
        await tx.audit("audit.exported", f"tenant:{tenant_id}", up_to=last)
        origin = tx.origin
    return Stream(
        export.lines(kernel, tenant_id, origin, asked, last, form),
        media_type=export.MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="audit.{form}"'},
    )


@get("/v1/admin/audit", opt=admin(), tags=["audit"], operation_id="listPlatformAudit",
     summary="Read the platform's audit")  # fmt: skip
async def list_platform_audit(
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
    subject: Subject = "",
    actor: Actor = "",
    action: Action = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = paging.DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[Act]:
    """Return who did what outside every tenant, the newest first. For administrators."""
    await administrator(ptx, principal)
    asked = Asked(subject, actor, action, moment(since, "from"), moment(until, "to"))
    return await _page(ptx, asked, limit, cursor)


async def _page(tx: TenantTx | PlatformTx, asked: Asked, limit: int, cursor: str) -> Page[Act]:
    before = paging.decode(cursor, Number)
    acts = await repository.listed(tx, asked, before, limit + 1)
    return paging.page(acts, limit, lambda act: act.number)


ROUTES: Final = (list_audit, export_audit, list_platform_audit)
