"""Messages as they are committed, with what they tell of (`TenantTx.publish`).

Each is relayed once, to those who subscribe to its topic: in process (cloud/messages) or by way
of a broker (cloud/broker). `done_at` says that it was.
"""

from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import Connection
from cloud.db.tenancy import TenantTx

TENANTS: Final[LiteralString] = "SELECT tenants_with_messages() AS tenant_id"
# An inbox forgets later than the outbox: what is relayed twice must be known to it.
FORGET: Final[LiteralString] = """
    DELETE FROM outbox
     WHERE tenant_id = current_tenant() AND done_at < $1::timestamptz - interval '30 days'
"""
FORGET_ARRIVALS: Final[LiteralString] = """
    DELETE FROM inbox
     WHERE tenant_id = current_tenant() AND done_at < $1::timestamptz - interval '60 days'
"""


class Away(Exception):
    """Somebody outside gives no answer: the message is tried again, however long that lasts."""


async def waiting(conn: Connection) -> list[UUID]:
    """Return the tenants with messages that are to be relayed."""
    return [row["tenant_id"] for row in await conn.fetch(TENANTS)]


async def forget(tx: TenantTx) -> None:
    """Drop the messages that were done long ago."""
    await tx.conn.execute(FORGET, tx.now)
    await tx.conn.execute(FORGET_ARRIVALS, tx.now)
