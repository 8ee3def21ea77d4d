"""Devices: who may sign a request, registration by public key, and withdrawal."""

import re
from datetime import UTC, datetime
from typing import Final, LiteralString, NamedTuple

from cloud.checkins import settling
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.kernel import SignedRequest
from shared import hashing, keys
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


class Device(NamedTuple):
    """A device's row, without its secrets."""

    device_id: bytes
    public: bytes
    kind: str
    name: str
    created_at: datetime
    revoked_at: datetime | None
    cutoff_incarnation: int | None
    cutoff_seq: int | None
    incarnation: int | None  # where its log ends here
    seq: int | None


ADD: Final[LiteralString] = """
    INSERT INTO device (device_id, public, kind, name) VALUES ($1, $2, 'gate', $3)
    ON CONFLICT DO NOTHING
"""


async def register(tx: TenantTx, public: bytes, name: str) -> Device:
    """Let a gate in by its public key."""
    if not keys.is_valid_point(public):
        raise Refusal("device_weak_key", field="/public")
    device = hashing.device_id(public)
    if await tx.conn.execute(ADD, device, public, name) == "INSERT 0 0":
        raise Refusal("device_known", field="/public")
    await tx.audit("device.registered", f"device:{device.hex()}")
    return await find(tx, device)


LIST: Final[LiteralString] = """
    SELECT d.device_id, d.public, d.kind, d.name, d.created_at, d.revoked_at,
           d.cutoff_incarnation, d.cutoff_seq, h.incarnation, h.seq
      FROM device d LEFT JOIN LATERAL (
           SELECT incarnation, seq FROM log_head l
            WHERE l.tenant_id = d.tenant_id AND l.device_id = d.device_id
            ORDER BY incarnation DESC LIMIT 1) h ON true
     WHERE d.tenant_id = current_tenant() AND d.device_id > $1
       AND ($2::bytea IS NULL OR d.device_id = $2)
     ORDER BY d.device_id LIMIT $3
"""


async def find(tx: TenantTx, device: bytes) -> Device:
    """Return a device, or refuse with `not_found`."""
    rows = await tx.conn.fetch(LIST, b"", device, 1)
    if not rows:
        raise Refusal("not_found")
    return _device(rows[0])


async def every(tx: TenantTx, after: bytes, limit: int) -> list[Device]:
    """Return devices in the order of their ids."""
    return [_device(row) for row in await tx.conn.fetch(LIST, after, None, limit)]


REVOKE: Final[LiteralString] = """
    UPDATE device
       SET revoked_at = coalesce(revoked_at, now()), cutoff_incarnation = $2, cutoff_seq = $3
     WHERE tenant_id = current_tenant() AND device_id = $1
"""


# Every ticket that the device had to do with: another cutoff may count more or fewer records.
ABOUT: Final[LiteralString] = """
    SELECT DISTINCT event_ref, ticket FROM record
     WHERE tenant_id = current_tenant() AND device_id = $1 AND kind IN (1, 3, 5)
"""


async def revoke(tx: TenantTx, device: bytes, cutoff: Cutoff | None) -> Device:
    """Withdraw a gate. What it wrote up to the cutoff counts: by default all that is here."""
    held = await find(tx, device)
    if held.kind == "worker":
        raise Refusal("device_is_worker")
    cut = cutoff or Cutoff(held.incarnation or 0, held.seq or 0)
    touched: dict[bytes, set[bytes]] = {}
    for row in await tx.conn.fetch(ABOUT, device):
        touched.setdefault(row["event_ref"], set()).add(row["ticket"])
    await tx.conn.execute(REVOKE, device, cut.incarnation, cut.seq)
    await settling.settle(tx, touched)
    await tx.tell_devices()
    detail = {"incarnation": cut.incarnation, "seq": cut.seq}
    await tx.audit("device.revoked", f"device:{device.hex()}", **detail)
    return await find(tx, device)


def _device(row: Row) -> Device:
    return Device(**{name: row[name] for name in Device._fields})
