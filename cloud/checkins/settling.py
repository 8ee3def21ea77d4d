"""Which tickets are used, once records came in or were cut off."""

from collections.abc import Iterable, Mapping
from typing import Final, LiteralString
from uuid import UUID

from cloud.checkins import reading, states
from cloud.db.tenancy import TenantTx

EVENT: Final[LiteralString] = """
    SELECT event_id FROM event WHERE tenant_id = current_tenant() AND ref = $1
"""


async def settle(tx: TenantTx, touched: Mapping[bytes, Iterable[bytes]]) -> None:
    """Move the tickets of these hashes, by event, to where their records say that they are."""
    for ref, hashes in sorted(touched.items()):
        event_id: UUID | None = await tx.conn.fetchval(EVENT, ref)
        if event_id is not None:  # else records of an event that this tenant hasn't
            await _settle(tx, event_id, ref, list(hashes))


async def _settle(tx: TenantTx, event_id: UUID, ref: bytes, hashes: list[bytes]) -> None:
    tickets = await reading.lock(tx, event_id, hashes)
    stands = await reading.standing(tx, ref, [ticket.hash for ticket in tickets])
    await states.follow(tx, event_id, tickets, stands)
