"""The devices of a tenant: gates by their public keys, and the cloud's own workers."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple, cast

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.devices.model import Appliance
from cloud.errors import Refusal
from shared import hashing, keys
from shared.devices.roster import Cutoff


class Device(NamedTuple):
    """A device's row, without its secrets."""

    device_id: bytes
    public: bytes
    kind: str  # gate or worker
    appliance: Appliance  # of a gate
    site: int
    name: str
    created_at: datetime
    revoked_at: datetime | None
    cutoff_incarnation: int | None
    cutoff_seq: int | None
    successor: bytes | None  # the same gate by its next key
    incarnation: int | None  # where its log ends here
    seq: int | None

    @property
    def end(self) -> Cutoff:
        """The last place of its log that is here; zeros for none."""
        return Cutoff(self.incarnation or 0, self.seq or 0)


# A key is one device or one badge. Whoever makes one of it waits for the others who do: neither
# sees what the other has not committed.
CLAIM: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock(
        hashtextextended('usher/key/' || current_tenant()::text || encode($1, 'hex'), 0))
"""
ADD: Final[LiteralString] = """
    INSERT INTO device (device_id, public, kind, name, appliance, site)
    SELECT $1, $2, 'gate', $3, $4, $5
     WHERE NOT EXISTS (SELECT FROM badge WHERE tenant_id = current_tenant() AND public = $2)
    ON CONFLICT DO NOTHING
"""


async def register(
    tx: TenantTx, public: bytes, name: str, appliance: Appliance = "kiosk", site: int = 0
) -> Device:
    """Let a gate in by its public key. Whoever calls this publishes the roster."""
    if not keys.is_valid_point(public):
        raise Refusal("device_weak_key", field="/public")
    device = hashing.device_id(public)
    await tx.conn.execute(CLAIM, public)
    if await tx.conn.execute(ADD, device, public, name, appliance, site) == "INSERT 0 0":
        raise Refusal("device_known", field="/public")
    await tx.audit("device.registered", f"device:{device.hex()}")
    return await find(tx, device)


KNOWN: Final[LiteralString] = """
    SELECT EXISTS (SELECT FROM device WHERE tenant_id = current_tenant() AND public = $1)
        OR EXISTS (SELECT FROM badge WHERE tenant_id = current_tenant() AND public = $1)
"""


async def refuse_known(tx: TenantTx, public: bytes) -> None:
    """Refuse a key that is a device's or a badge's already, with `device_known`."""
    if await tx.conn.fetchval(KNOWN, public):
        raise Refusal("device_known")


LIST: Final[LiteralString] = """
    SELECT d.device_id, d.public, d.kind, d.appliance, d.site, d.name, d.created_at, d.revoked_at,
           d.cutoff_incarnation, d.cutoff_seq, d.successor, h.incarnation, h.seq
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


LOCK: Final[LiteralString] = """
    SELECT FROM device WHERE tenant_id = current_tenant() AND device_id = $1 FOR UPDATE
"""


async def lock(tx: TenantTx, device: bytes) -> Device:
    """Return a gate as it stays until the transaction ends: no upload goes on meanwhile.

    Refused with `device_is_worker` where it is a process of the cloud's.
    """
    await tx.conn.execute(LOCK, device)
    found = await find(tx, device)
    if found.kind == "worker":
        raise Refusal("device_is_worker")
    return found


CHANGE: Final[LiteralString] = """
    UPDATE device SET name = $2, appliance = $3, site = $4
     WHERE tenant_id = current_tenant() AND device_id = $1
"""


async def change(
    tx: TenantTx, device: bytes, name: str | None, appliance: Appliance | None, site: int | None
) -> Device:
    """Change what is named of a gate. Whoever calls this publishes the roster."""
    held = await lock(tx, device)
    said = (name or held.name, appliance or held.appliance, held.site if site is None else site)
    await tx.conn.execute(CHANGE, device, *said)
    await tx.audit("device.changed", f"device:{device.hex()}", appliance=said[1], site=said[2])
    return await find(tx, device)


CUT_OFF: Final[LiteralString] = """
    UPDATE device
       SET revoked_at = coalesce(revoked_at, $4), cutoff_incarnation = $2, cutoff_seq = $3
     WHERE tenant_id = current_tenant() AND device_id = $1
"""


async def cut_off(tx: TenantTx, device: bytes, cutoff: Cutoff) -> None:
    """Withdraw a gate from a place in its log on. Whoever calls this publishes the roster."""
    await tx.conn.execute(CUT_OFF, device, cutoff.incarnation, cutoff.seq, tx.now)


SUCCEED: Final[LiteralString] = """
    UPDATE device SET successor = $2 WHERE tenant_id = current_tenant() AND device_id = $1
"""


async def succeed(tx: TenantTx, old: Device, new: Device) -> None:
    """Let a gate be the same as another one that is cut off: who revokes that means this one."""
    await tx.conn.execute(SUCCEED, old.device_id, new.device_id)


def _device(row: Row) -> Device:
    read = Device(**{name: row[name] for name in Device._fields})
    return read._replace(appliance=cast("Appliance", row["appliance"]))
