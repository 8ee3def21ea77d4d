"""Tickets just made in bulk, told to the database's planner (migrations/0004_tickets.sql)."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx

COUNT: Final[LiteralString] = "SELECT count_tickets($1)"


async def make_known(tx: TenantTx, event_id: UUID) -> None:
    """Let the planner know how many tickets there are. The last act of a transaction: others
    who do the same wait for its end."""
    await tx.conn.execute(COUNT, event_id)
