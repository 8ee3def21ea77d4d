"""Online scanning over HTTP: redeem, undo."""

from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud import unsent
from cloud.checkins.asking import Key
from cloud.checkins.device_routes import ROUTES as DEVICE_ROUTES
from cloud.checkins.model import Redeem, Redeemed, Undo, Undone
from cloud.checkins.redeemer import Redeemer
from cloud.checkins.report_routes import ROUTES as REPORT_ROUTES
from cloud.db.tenancy import Origin
from cloud.errors import Refusal
from cloud.http.access import Principal, needs
from cloud.lately import Lately

EVENT: Final = "/v1/tenants/{tenant_id:uuid}/events/{event_id:uuid}"
Asked = Request[Any, Any, Any]


@post(
    f"{EVENT}/redeem",
    opt=needs("checkins:write"),
    status_code=200,
    tags=["checkins"],
    operation_id="redeemTicket",
    summary="Redeem a ticket",
    response_headers=unsent.HEADERS,
)
async def redeem(
    request: Asked,
    tenant_id: FromPath[UUID],
    event_id: FromPath[UUID],
    data: JSONBody[Redeem],
    redeemer: NamedDependency[Redeemer],
    lately: NamedDependency[Lately],
) -> Response[Redeemed]:
    """Decide a scan as a gate would, and write it down. Whatever it comes to is answered 200:
    only the signal `green` lets anybody pass. Without an `Idempotency-Key` a repeated request is
    a second scan, and is answered `already_admitted`."""
    key = await _key(request)
    answer = await redeemer.ask(tenant_id, event_id, _who(request), data, key)
    if not isinstance(answer, Redeemed):
        raise TypeError("a scan is answered by what it came to")
    return Response(answer, headers=await lately.head(tenant_id, event_id))


@post(
    f"{EVENT}/undo",
    opt=needs("checkins:write"),
    status_code=200,
    tags=["checkins"],
    operation_id="undoEntry",
    summary="Take an entry back",
    response_headers=unsent.HEADERS,
)
async def undo(
    request: Asked,
    tenant_id: FromPath[UUID],
    event_id: FromPath[UUID],
    data: JSONBody[Undo],
    redeemer: NamedDependency[Redeemer],
    lately: NamedDependency[Lately],
) -> Response[Undone]:
    """Take an entry back that was redeemed by mistake: within two minutes by whoever may redeem,
    later, or where a gate admitted, with the scope `tickets:write`."""
    key = await _key(request)
    answer = await redeemer.ask(tenant_id, event_id, _who(request), data, key)
    if not isinstance(answer, Undone):
        raise TypeError("an undo is answered by the record of it")
    return Response(answer, headers=await lately.head(tenant_id, event_id))


def _who(request: Asked) -> tuple[Principal, Origin]:
    """Return who asks. What they may is judged in the transaction of the batch.

    Not by a dependency: litestar runs a second one beside the first, in a group of tasks.
    """
    state = request.scope["state"]
    principal: Principal = state["principal"]
    origin: Origin = state["origin"]
    if principal.kind == "anonymous":
        raise Refusal("credentials_missing")
    return principal, origin


async def _key(request: Asked) -> Key | None:
    """Return the request's idempotency key: as cloud/http/unit.py reads it."""
    name = request.headers.get("idempotency-key")
    if name is None:
        return None
    body = await request.body()
    target = f"{request.method} {request.scope['path']}\0".encode()
    query = request.scope["query_string"] + b"\0"
    return Key(name, sha256(target + query + body).digest())


ROUTES: Final = (redeem, undo, *DEVICE_ROUTES, *REPORT_ROUTES)
