"""Reports over HTTP: a device says how it is, the owner reads how all of them are."""

from typing import Annotated, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from cloud import unsent
from cloud.db.tenancy import TenantTx
from cloud.devices import reports, statuses
from cloud.devices.shapes import DEVICES, TENANT, Hex32
from cloud.devices.statuses import DeviceStatus
from cloud.errors import Refusal
from cloud.http.access import Caller, device, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, encode
from shared.wire import Report

LARGEST: Final = 1 << 16  # bytes


@post(f"{TENANT}/sync/report", opt={**device(), "body_limit": LARGEST}, status_code=204,
      tags=["sync"], operation_id="reportStatus", summary="Say how one is")  # fmt: skip
async def report(
    data: JSONBody[Report], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> None:
    """Take what a device says of itself, in place of what it said before."""
    if caller.device is None:
        raise Refusal("device_required")
    await tx.may_be_lost()  # it says so again within half a minute
    await reports.put(tx, caller.device, data)


@get(f"{DEVICES}/status", opt=needs("devices:read"), tags=["devices"],
     operation_id="readDeviceStatus", summary="Read how all gates are",
     response_headers=unsent.HEADERS)  # fmt: skip
async def read_status(
    tx: NamedDependency[TenantTx],
    revoked: Annotated[bool, QueryParameter(description="Also those that were revoked.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response[Page[DeviceStatus]]:
    """Return each gate with what it said last, what it should hold, and one word: `ready`, or why
    it is not."""
    after = decode(cursor, Hex32) or ""
    gates = await reports.every(tx, bytes.fromhex(after), limit + 1, revoked=revoked)
    shown = await statuses.read(tx, gates[:limit])
    said = Page(shown, encode(shown[-1].device) if len(gates) > limit else None)
    return await unsent.beside(tx, None, said)


ROUTES: Final = (report, read_status)
