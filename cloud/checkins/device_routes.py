"""Devices over HTTP: revoke gates; take their logs in."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from cloud.checkins import devices, uploads
from cloud.checkins.runs import MOST
from cloud.db.tenancy import TenantTx
from cloud.devices import rosters
from cloud.devices.shapes import DEVICES, TENANT, DeviceId, DeviceOut, shown
from cloud.errors import Refusal
from cloud.http.access import Caller, device, needs
from cloud.keys.issuers import Issuers
from shared.devices.roster import Cutoff
from shared.log.chain import Fault
from shared.log.record import SIZE


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last record of the device that counts; without it, all that are here."""

    incarnation: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] | None = None
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class Stop(msgspec.Struct, frozen=True):
    """The first record that was not taken. Nothing after it was looked at; or, of a gap, there is
    no room for more records that wait for others: send the earlier ones first."""

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
    f"{DEVICES}/{{device_id:str}}/revoke",
    opt=needs("devices:write"),
    status_code=200,
    tags=["devices"],
    operation_id="revokeDevice",
    summary="Revoke a gate",
)
async def revoke(
    device_id: DeviceId,
    data: JSONBody[Revocation],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> DeviceOut:
    """Take a gate's word away from a place in its log on. What it wrote before still counts."""
    if (data.incarnation is None) != (data.seq is None):
        raise Refusal("cutoff_half", field="/seq", accepted="both incarnation and seq, or neither")
    cutoff = None
    if data.incarnation is not None and data.seq is not None:
        cutoff = Cutoff(data.incarnation, data.seq)
    revoked = await devices.revoke(tx, bytes.fromhex(device_id), cutoff)
    await rosters.publish(tx, issuers.keyring)
    return shown(revoked)


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


ROUTES: Final = (revoke, upload)
