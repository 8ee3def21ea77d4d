"""A device changes its key (shared/spec/sync.md §5): the new one takes its place.

The old key's log ends at what is here; what it signed after that doesn't count. So a device
sends its whole log first, and asks for the new key then. A roll and a revocation wait for each
other: of a gate that is revoked first none comes, and one that came first is revoked with it.
"""

from typing import NamedTuple

from cloud.db.tenancy import TenantTx
from cloud.devices import commands, registry, rosters
from cloud.devices.enrolments import refused
from cloud.devices.registry import Device
from cloud.errors import Refusal
from cloud.keys.keyring import Keyring
from shared.devices.roll import check_roll
from shared.devices.roster import Cutoff


class Rolled(NamedTuple):
    """What a roll came to."""

    device: Device
    cutoff: Cutoff  # of the old key's log
    roster: int  # the version that says so


async def roll(tx: TenantTx, keyring: Keyring, device: bytes, raw: bytes) -> Rolled:
    """List the new key and cut the old one off, on one roster."""
    with refused():
        public = check_roll(device, raw)
    old = await registry.lock(tx, device)
    if old.revoked_at is not None:  # by somebody who came first, since the request was let in
        raise Refusal("request_revoked_device")
    new = await registry.register(tx, public, old.name, old.appliance, old.site)
    await registry.cut_off(tx, device, old.end)
    await registry.succeed(tx, old, new)
    await commands.hand_on(tx, device, new.device_id)
    published = await rosters.publish(tx, keyring)
    await tx.audit("device.rolled", f"device:{device.hex()}", successor=new.device_id.hex())
    return Rolled(new, old.end, published.version)
