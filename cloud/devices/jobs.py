"""What the worker does with rosters: those that a change waits for, and those grown old."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx
from cloud.devices import rosters
from cloud.keys.keyring import Keyring

DUE: Final[LiteralString] = "SELECT rosters_due($1) AS tenant_id"


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants whose roster is to be published."""
    return [row["tenant_id"] for row in await conn.fetch(DUE, now)]


async def sweep_roster(tx: TenantTx, keyring: Keyring) -> int:
    """Publish the roster if it is due; return how many were published."""
    before = await rosters.newest(tx)
    after = await rosters.publish(tx, keyring)
    return 0 if before is not None and before.version == after.version else 1
