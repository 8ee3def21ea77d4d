"""The change of a device's key over HTTP."""

from typing import Any, Final

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from cloud.db.tenancy import TenantTx
from cloud.devices import rolling
from cloud.devices.shapes import DEVICES, OCTETS, Hex32
from cloud.errors import Refusal
from cloud.http.access import Caller, device
from cloud.keys.issuers import Issuers
from shared.devices.roll import SIZE
from shared.devices.roster import Cutoff


class RolledOut(msgspec.Struct, frozen=True, kw_only=True):
    """The device as it is called from now on."""

    device: Hex32
    roster: int  # the version that lists it
    cutoff: Cutoff  # the last record of the old key that counts


@post(
    f"{DEVICES}/roll",
    opt={**device(), "body_limit": 2 * SIZE, "takes": (OCTETS, "0" * SIZE)},
    status_code=200,
    tags=["devices"],
    operation_id="rollDevice",
    summary="Change one's key",
)
async def roll(
    request: Request[Any, Any, Any],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    issuers: NamedDependency[Issuers],
) -> RolledOut:
    """Take a device's new key, 32 octets, and that key's signature, 64 octets. The old key is cut
    off at what is here of its log: send that first. Name, kind, site and commands stay.

    Where the answer is lost, read the roster by the new key: it is answered if this was done.
    """
    if caller.device is None:
        raise Refusal("device_required")
    raw = await request.body()
    if len(raw) != SIZE:
        raise Refusal("enrol_body", accepted=f"{SIZE} octets")
    done = await rolling.roll(tx, issuers.keyring, caller.device, raw)
    return RolledOut(device=done.device.device_id.hex(), roster=done.roster, cutoff=done.cutoff)


ROUTES: Final = (roll,)
