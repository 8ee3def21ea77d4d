"""Devices: who may sign a request, and withdrawal (cloud/devices/registry.py has the rest)."""

import re
from datetime import UTC, datetime
from typing import Final, LiteralString

from cloud.checkins import settling
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.devices import registry
from cloud.devices.registry import Device
from cloud.devices.registry import find as find
from cloud.devices.registry import register as register
from cloud.errors import Refusal
from cloud.http.kernel import SignedRequest
from shared.devices.request import Request, body_hash, check_request
from shared.devices.roster import Cutoff, Member, TrustedRoster
from shared.errors import UsherError

NAMED: Final = re.compile(r"Usher1 ([0-9a-f]{32})\.")
NOBODY: Final[frozenset[tuple[bytes, bytes]]] = frozenset()

FIND: Final[LiteralString] = """
    SELECT device_id, public, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant() AND device_id = $1 AND kind = 'gate'
"""
NOTE: Final[LiteralString] = """
    INSERT INTO device_nonce (device_id, nonce, forget_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING
"""
SWEEP: Final[LiteralString] = """
    DELETE FROM device_nonce WHERE tenant_id = current_tenant() AND forget_at < $1
"""


async def check_device(tx: TenantTx, request: SignedRequest, *, revoked_too: bool) -> bytes:
    """Return the device that signed the request, once; a `cloud.http.kernel.DeviceCheck`."""
    named = NAMED.match(request.authorization)
    row = await tx.conn.fetchrow(FIND, bytes.fromhex(named[1])) if named else None
    listed = {row["device_id"]: member(row)} if row else {}
    roster = TrustedRoster(tx.tenant.bytes, devices=listed)
    signed = Request(request.method, request.host, request.target, body_hash(request.body))
    now = int(tx.now.timestamp() * 1000)
    try:
        accepted = check_request(
            signed, request.authorization, roster, now, NOBODY, revoked_too=revoked_too
        )
    except UsherError as error:
        raise Refusal(error.code, server_time=now) from None
    forget = datetime.fromtimestamp(accepted.forget / 1000, UTC)
    done = await tx.conn.execute(NOTE, accepted.device, accepted.nonce, forget)
    if done == "INSERT 0 0":
        raise Refusal("request_replayed", server_time=now)
    return accepted.device


def member(row: Row) -> Member:
    """Return a device as rosters list it."""
    cut = row["cutoff_incarnation"]
    return Member(row["public"], None if cut is None else Cutoff(cut, row["cutoff_seq"]))


async def sweep_nonces(tx: TenantTx) -> int:
    """Forget the nonces that are too old to be repeated; return how many were."""
    return int((await tx.conn.execute(SWEEP, tx.now)).rpartition(" ")[2])


# Every ticket that the device had to do with: another cutoff may count more or fewer records.
ABOUT: Final[LiteralString] = """
    SELECT DISTINCT event_ref, ticket FROM record
     WHERE tenant_id = current_tenant() AND device_id = $1 AND kind IN (1, 3, 5)
"""


async def revoke(tx: TenantTx, device: bytes, cutoff: Cutoff | None) -> Device:
    """Withdraw a gate. What it wrote up to the cutoff counts: by default all that is here.

    Of a gate that has another key by now, all its keys are withdrawn; a cutoff that is said is
    that of the one log alone. Whoever calls this publishes the roster.
    """
    held = await registry.lock(tx, device)
    if held.successor is not None and cutoff is None:
        await revoke(tx, held.successor, None)
        return held
    return await _cut(tx, device, cutoff or held.end)


async def _cut(tx: TenantTx, device: bytes, cut: Cutoff) -> Device:
    touched: dict[bytes, set[bytes]] = {}
    for row in await tx.conn.fetch(ABOUT, device):
        touched.setdefault(row["event_ref"], set()).add(row["ticket"])
    await registry.cut_off(tx, device, cut)
    await settling.settle(tx, touched)
    await tx.tell_devices()
    detail = {"incarnation": cut.incarnation, "seq": cut.seq}
    await tx.audit("device.revoked", f"device:{device.hex()}", **detail)
    return await find(tx, device)
