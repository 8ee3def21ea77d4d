"""What the worker sweeps: nonces that can't be repeated any more."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from cloud.checkins.devices import sweep_nonces as sweep_nonces
from cloud.db.connect import Connection

OLD: Final[LiteralString] = "SELECT tenants_with_old_nonces($1) AS tenant_id"


async def tenants(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with old nonces."""
    return [row["tenant_id"] for row in await conn.fetch(OLD, now)]
