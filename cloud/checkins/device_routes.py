"""Devices over HTTP: register, list and revoke gates; take their logs in."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from cloud.checkins import devices, uploads
from cloud.checkins.model import Hex32
from cloud.checkins.runs import MOST
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, device, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from shared.devices.roster import Cutoff
from shared.log.chain import Fault
from shared.log.record import SIZE

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
DeviceId = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{32}\Z", min_length=32, max_length=32, description="32 hex digits."
    ),
]
Hex64 = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64, description="64 hex digits.")
]
Name = Annotated[
    str,
    Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["North gate 1"]),
]


class NewDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gate, by the public half of its key."""

    public: Hex64
    name: Name


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last record of the device that counts; without it, all that are here."""

    incarnation: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] | None = None
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class DeviceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A device."""

    device: Hex32
    public: str
    kind: str  # gate or worker: a process of the cloud's
    name: str
    created_at: datetime
    revoked_at: datetime | None
    cutoff: Cutoff | None  # the last record that counts
    log: Cutoff | None  # where its log ends here


class Stop(msgspec.Struct, frozen=True):
    """The first record that was not taken. Nothing after it was looked at."""

    at: int  # its place in the upload, from 0
    fault: Fault


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an upload. `incarnation`, `seq`: where the log ends here, without a gap."""

    device: str
    incarnation: int
    seq: int
    new: int
    known: int
    quarantined: int  # of these, the records that are kept and don't count
    broken: Stop | None = None


@post(
    f"{TENANT}/devices",
    opt=needs("devices:write"),
    tags=["devices"],
    operation_id="registerDevice",
    summary="Register a gate",
)
async def register(data: JSONBody[NewDevice], tx: NamedDependency[TenantTx]) -> DeviceOut:
    """Let a gate sign requests and send its log, by its public key."""
    return _out(await devices.register(tx, bytes.fromhex(data.public), data.name))


@get(
    f"{TENANT}/devices",
    opt=needs("devices:write"),
    tags=["devices"],
    operation_id="listDevices",
    summary="List devices",
)
async def list_devices(
    tx: NamedDependency[TenantTx], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Page[DeviceOut]:
    """Return the gates and the cloud's own workers, in the order of their ids."""
    after = decode(cursor, Hex32) or ""
    found = await devices.every(tx, bytes.fromhex(after), limit + 1)
    return page([_out(each) for each in found], limit, lambda each: each.device)


@post(
    f"{TENANT}/devices/{{device_id:str}}/revoke",
    opt=needs("devices:write"),
    status_code=200,
    tags=["devices"],
    operation_id="revokeDevice",
    summary="Revoke a gate",
)
async def revoke(
    device_id: DeviceId, data: JSONBody[Revocation], tx: NamedDependency[TenantTx]
) -> DeviceOut:
    """Take a gate's word away from a place in its log on. What it wrote before still counts."""
    if (data.incarnation is None) != (data.seq is None):
        raise Refusal("cutoff_half", field="/seq", accepted="both incarnation and seq, or neither")
    cutoff = None
    if data.incarnation is not None and data.seq is not None:
        cutoff = Cutoff(data.incarnation, data.seq)
    return _out(await devices.revoke(tx, bytes.fromhex(device_id), cutoff))


@post(
    f"{TENANT}/log",
    opt={
        **device(revoked_too=True),
        "body_limit": MOST * SIZE,
        "takes": ("application/octet-stream", ""),
    },
    status_code=200,
    tags=["devices"],
    operation_id="uploadLog",
    summary="Send a scan log",
)
async def upload(
    request: Request[Any, Any, Any],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Receipt:
    """Take in records of the device that signed the request: 256 bytes each, one after the
    other (`application/octet-stream`). Safe to repeat, in any order and in any pieces."""
    if caller.device is None:
        raise Refusal("device_required")
    taken = await uploads.take(tx, caller.device, await request.body())
    return Receipt(
        device=caller.device.hex(),
        incarnation=taken.incarnation,
        seq=taken.seq,
        new=taken.new,
        known=taken.known,
        quarantined=taken.quarantined,
        broken=Stop(*taken.broken) if taken.broken else None,
    )


def _out(found: devices.Device) -> DeviceOut:
    return DeviceOut(
        device=found.device_id.hex(),
        public=found.public.hex(),
        kind=found.kind,
        name=found.name,
        created_at=found.created_at,
        revoked_at=found.revoked_at,
        cutoff=_place(found.cutoff_incarnation, found.cutoff_seq),
        log=_place(found.incarnation, found.seq),
    )


def _place(incarnation: int | None, seq: int | None) -> Cutoff | None:
    return None if incarnation is None or seq is None else Cutoff(incarnation, seq)


ROUTES: Final = (register, list_devices, revoke, upload)
