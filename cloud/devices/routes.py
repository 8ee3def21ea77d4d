"""Devices over HTTP: register, list and change gates; the roster; what holds for all."""

from typing import Annotated, Final

import msgspec
from litestar import Response, get, patch, post, put
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from cloud.db.tenancy import TenantTx
from cloud.devices import registry, rosters
from cloud.devices.shapes import (
    DEVICES,
    OCTETS,
    TENANT,
    DeviceEdit,
    DeviceId,
    DeviceOut,
    Hex32,
    NewDevice,
    shown,
)
from cloud.errors import Refusal
from cloud.http.access import device, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys.issuers import Issuers

SOONEST: Final = 60  # seconds: gates ask every half minute, and would else lock between two answers
VERSION: Final = "Usher-Roster-Version"


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for all devices. `lock_after`: seconds without signed contact, a minute at the
    least; 0: never."""

    lock_after: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF, examples=[86400])]


@post(DEVICES, opt=needs("devices:write"), tags=["devices"], operation_id="registerDevice",
      summary="Register a gate")  # fmt: skip
async def register(
    data: JSONBody[NewDevice], tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]
) -> DeviceOut:
    """Let a gate sign requests and send its log, by its public key: for keys that come here some
    other way than by an enrolment."""
    public = bytes.fromhex(data.public)
    made = await registry.register(tx, public, data.name, data.appliance, data.site)
    await rosters.publish(tx, issuers.keyring)
    return shown(made)


@get(DEVICES, opt=needs("devices:read"), tags=["devices"], operation_id="listDevices",
     summary="List devices")  # fmt: skip
async def list_devices(
    tx: NamedDependency[TenantTx], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Page[DeviceOut]:
    """Return the gates and the cloud's own workers, in the order of their ids."""
    after = decode(cursor, Hex32) or ""
    found = await registry.every(tx, bytes.fromhex(after), limit + 1)
    return page([shown(each) for each in found], limit, lambda each: each.device)


@patch(f"{DEVICES}/{{device_id:str}}", opt=needs("devices:write"), tags=["devices"],
       operation_id="changeDevice", summary="Change a gate")  # fmt: skip
async def change(
    device_id: DeviceId,
    data: JSONBody[DeviceEdit],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> DeviceOut:
    """Give a gate another name, kind or site."""
    said = (data.name, data.appliance, data.site)
    changed = await registry.change(tx, bytes.fromhex(device_id), *said)
    await rosters.publish(tx, issuers.keyring)
    return shown(changed)


@get(f"{DEVICES}/settings", opt=needs("devices:read"), tags=["devices"],
     operation_id="readDeviceSettings", summary="Read what holds for all devices")  # fmt: skip
async def read_settings(tx: NamedDependency[TenantTx]) -> DeviceSettings:
    """Return after how long without signed contact a device admits nobody."""
    return DeviceSettings(await rosters.lock_after(tx))


@put(f"{DEVICES}/settings", opt=needs("devices:write"), tags=["devices"],
     operation_id="changeDeviceSettings", summary="Say what holds for all devices")  # fmt: skip
async def change_settings(
    data: JSONBody[DeviceSettings],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> DeviceSettings:
    """Say after how long without signed contact a device admits nobody. The roster carries it."""
    if 0 < data.lock_after < SOONEST:
        raise Refusal("lock_after_short", field="/lock_after")
    await rosters.set_lock_after(tx, data.lock_after)
    await tx.audit("devices.settings", f"tenant:{tx.tenant}", lock_after=data.lock_after)
    await rosters.publish(tx, issuers.keyring)
    return data


@get(f"{TENANT}/roster", opt=device(revoked_too=True), media_type=OCTETS, tags=["sync"],
     operation_id="readRoster", summary="Read the roster",
     response_headers=[ResponseHeader(VERSION, description="Its version.",
                                      documentation_only=True)])  # fmt: skip
async def read_roster(
    tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]
) -> Response[bytes]:
    """Return the newest roster, as signed. A revoked device reads there that it is revoked."""
    published = await rosters.current(tx, issuers.keyring)
    return Response(published.raw, media_type=OCTETS, headers={VERSION: str(published.version)})


ROUTES: Final = (register, list_devices, change, read_settings, change_settings, read_roster)
