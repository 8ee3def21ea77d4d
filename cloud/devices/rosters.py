"""Signs and publishes a tenant's roster (shared/spec/devices.md §1).

Whoever changes a device or a badge publishes in the same transaction; what else changed is
published by the worker's sweep. One transaction at a time signs, so versions have no gap and one
change no two rosters.
"""

import asyncio
from datetime import datetime
from typing import Final, LiteralString, NamedTuple

from cloud.db.tenancy import TenantTx
from cloud.devices.composing import KEPT, RENEWAL, Issue, compose
from cloud.errors import Refusal
from cloud.keys import keyset
from cloud.keys import repository as key_repository
from cloud.keys.keyring import Keyring
from cloud.keys.model import Role, signing
from shared.devices.roster import Roster
from shared.signed import CAPS, Kind, seal

LOCK: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock(hashtextextended('usher/roster/' || current_tenant()::text, 0))
"""
NEWEST: Final[LiteralString] = """
    SELECT version, raw, issued_at FROM roster
     WHERE tenant_id = current_tenant() ORDER BY version DESC LIMIT 1
"""
TAKE: Final[LiteralString] = "DELETE FROM roster_change WHERE tenant_id = current_tenant()"
DEVICES: Final[LiteralString] = """
    SELECT public, kind, name, appliance, site, badge, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant() ORDER BY device_id
"""
BADGES: Final[LiteralString] = """
    SELECT public, name, role, revoked_at FROM badge
     WHERE tenant_id = current_tenant() ORDER BY badge_id
"""
LOCK_AFTER: Final[LiteralString] = """
    SELECT lock_after FROM device_setting WHERE tenant_id = current_tenant()
"""
PUBLISH: Final[LiteralString] = "INSERT INTO roster (version, raw, issued_at) VALUES ($1, $2, $3)"
FORGET: Final[LiteralString] = """
    DELETE FROM roster WHERE tenant_id = current_tenant() AND version <= $1
"""
SET_LOCK: Final[LiteralString] = """
    INSERT INTO device_setting AS s (lock_after) VALUES ($1)
    ON CONFLICT (tenant_id) DO UPDATE SET lock_after = excluded.lock_after
     WHERE s.lock_after <> excluded.lock_after
"""


class Published(NamedTuple):
    """A roster as published."""

    version: int
    raw: bytes
    issued_at: datetime


async def newest(tx: TenantTx) -> Published | None:
    """Return the newest roster, if there is one."""
    row = await tx.conn.fetchrow(NEWEST)
    return None if row is None else Published(row["version"], row["raw"], row["issued_at"])


async def current(tx: TenantTx, keyring: Keyring) -> Published:
    """Return the newest roster. One that nothing has needed yet, or that has grown old while no
    worker ran, is made here."""
    held = await newest(tx)
    if held is not None and not _is_old(tx, held):
        return held
    return await publish(tx, keyring)


async def publish(tx: TenantTx, keyring: Keyring) -> Published:
    """Sign the next version if something has changed or it has grown old; return the newest.

    Refused with `roster_too_large` where it would be more than devices take.
    """
    secret = await document_key(tx, keyring, "roster")
    await tx.conn.execute(LOCK)
    held = await newest(tx)
    changed = await tx.conn.execute(TAKE) != "DELETE 0"
    if held is not None and not changed and not _is_old(tx, held):
        return held
    roster = await _compose(tx, held.version + 1 if held else 1)
    raw = await asyncio.to_thread(_seal, roster, secret)
    await tx.conn.execute(PUBLISH, roster.version, raw, tx.now)
    await tx.conn.execute(FORGET, roster.version - KEPT)
    await tx.tell_devices()
    return Published(roster.version, raw, tx.now)


async def document_key(tx: TenantTx, keyring: Keyring, role: Role) -> bytes:
    """Return the secret key of a role that signs now, and that a published keyset names."""
    await keyset.current(tx, keyring)
    if signing(await key_repository.keys(tx, role=role), tx.now) is None:
        await key_repository.lock(tx)
        await keyset.publish(tx, keyring)
    _, secret = await keyring.signer(tx, role)
    return secret


async def lock_after(tx: TenantTx) -> int:
    """Return after how many seconds without signed contact a device locks, 0 for never."""
    return int(await tx.conn.fetchval(LOCK_AFTER) or 0)


async def set_lock_after(tx: TenantTx, seconds: int) -> None:
    """Say when devices lock. The next roster carries it."""
    await tx.conn.execute(SET_LOCK, seconds)


async def _compose(tx: TenantTx, version: int) -> Roster:
    devices, badges = await tx.conn.fetch(DEVICES), await tx.conn.fetch(BADGES)
    return compose(Issue(tx.tenant, version, tx.now, await lock_after(tx)), devices, badges)


def _is_old(tx: TenantTx, held: Published) -> bool:
    return tx.now - held.issued_at >= RENEWAL


def _seal(roster: Roster, secret: bytes) -> bytes:
    try:
        return seal(Kind.ROSTER, roster, secret)
    except ValueError:  # its size is all that can be wrong
        most = f"as many devices and badges as {CAPS[Kind.ROSTER]} bytes hold"
        raise Refusal("roster_too_large", accepted=most) from None
