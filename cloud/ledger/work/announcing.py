"""What others are told of the ledger: which tickets were minted, and as what.

Others alone listen: where no webhook does, nothing is written.
"""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from solders.pubkey import Pubkey

from cloud.db.tenancy import TenantTx
from cloud.topics.assets import MOST, Asset

MINTED: Final = "tickets.minted"
HEARD: Final[LiteralString] = "SELECT is_heard($1)"


async def tell(tx: TenantTx, event_id: UUID, minted: Sequence[tuple[UUID, bytes]]) -> None:
    """Publish which tickets have which assets, in the transaction that stores it."""
    if not minted or await tx.conn.fetchval(HEARD, [MINTED]) is not True:
        return
    assets = [Asset(ticket, str(Pubkey.from_bytes(asset))) for ticket, asset in minted]
    for at in range(0, len(assets), MOST):
        await tx.publish(
            MINTED, f"ledger:{event_id}", event_id=event_id, tickets=assets[at : at + MOST]
        )
