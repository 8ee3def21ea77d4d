"""What the worker does with keys: keysets that grow old, and keys of documents that end."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.keys import keyset, repository
from cloud.keys.keyring import Keyring
from cloud.keys.model import (
    FOUNDING,
    KEYSET_AGE,
    ROLE_LIFE,
    ROLE_RENEWAL,
    later,
    signing,
    waiting,
)

OLD: Final[LiteralString] = "SELECT tenants_with_old_keysets($1) AS tenant_id"


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants whose newest keyset has grown old."""
    return [row["tenant_id"] for row in await conn.fetch(OLD, now - KEYSET_AGE)]


async def sweep_keyset(tx: TenantTx, keyring: Keyring) -> int:
    """Publish the keyset anew if it has grown old; return how many were published."""
    await repository.lock(tx)
    newest = await repository.newest(tx)
    if newest is None or tx.now - newest.issued_at < KEYSET_AGE:
        return 0  # nobody has needed one yet, or another worker was faster
    await _renew(tx, keyring)
    await keyset.publish(tx, keyring)
    return 1


async def _renew(tx: TenantTx, keyring: Keyring) -> None:
    """Make the successors of the documents' keys that end soon."""
    for role in FOUNDING[1:]:
        held = await repository.keys(tx, role=role)
        key = signing(held, tx.now)
        if key and key.not_after - tx.now < ROLE_RENEWAL and not waiting(held, tx.now):
            await keyring.make(tx, later(role, None, tx.now, tx.now + ROLE_LIFE))
