"""What the cloud decides by at an event: its rules and the keys that sign its tickets."""

from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from shared.keyset import TrustedKeys
from shared.presentation import Freshness
from shared.rules.compiled import Rules

REF: Final[LiteralString] = """
    SELECT ref FROM event WHERE tenant_id = current_tenant() AND event_id = $1
"""


class Book(NamedTuple):
    """One event's word, ready to be asked."""

    event_id: UUID
    ref: bytes
    rules: Rules  # issued whenever it is asked: the cloud's word is never old
    keys: TrustedKeys
    freshness: Freshness


async def ref_of(tx: TenantTx, event_id: UUID) -> bytes | None:
    """Return what records call an event."""
    ref: bytes | None = await tx.conn.fetchval(REF, event_id)
    return ref
