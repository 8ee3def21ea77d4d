"""What workers do with the ledger: a part that writes, and a sweep for what no message told."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, LiteralString

from cloud.db.connect import Pool
from cloud.db.tenancy import TenantTx
from cloud.ledger.work import asset_rows
from cloud.ledger.work.house import House
from cloud.ledger.work.writer import Writer
from cloud.pacing import Paced
from cloud.sweeps import EVERY_TENANT, Sweep

CHANNEL: Final = "usher_ledger"
PACE: Final = 0.2  # seconds between two turns of one event: what is bought meanwhile goes together
AT_ONCE: Final = 2  # events
SWEEP_EVERY: Final = 300
# Tickets of events that are not long over, whose asset no message has asked about: sold while the
# ledger was off, or before there was one; and void ones whose asset is not.
UNTOLD: Final[LiteralString] = """
    SELECT t.event_id, array_agg(t.ticket_id) AS tickets FROM (
        SELECT t.event_id, t.ticket_id FROM event e
          JOIN ticket t USING (tenant_id, event_id)
          LEFT JOIN asset a USING (tenant_id, event_id, ticket_id)
         WHERE e.tenant_id = current_tenant() AND e.ends_at > $1::timestamptz - interval '2 days'
           AND CASE WHEN t.state IN ('purchased', 'minted', 'active', 'listed', 'used')
                    THEN a.ticket_id IS NULL
                    ELSE a.asset_id IS NOT NULL AND NOT a.burnt AND a.due_at IS NULL
                         AND t.state IN ('refunded', 'revoked') END
         LIMIT $2) t
     GROUP BY t.event_id
"""
MOST: Final = 5_000  # tickets of a sweep's transaction

Opening = Callable[[], AbstractAsyncContextManager[House]]


def writing(
    pool: Pool, listen_url: str, opening: Opening, clock: Callable[[], datetime]
) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return what writes to the ledger, as part of a worker."""

    async def run(stop: asyncio.Event) -> None:
        async with opening() as house:
            writer = Writer(pool, listen_url, house, clock)
            await Paced(
                listen_url, CHANNEL, writer.due, writer.work, pace=PACE, share=0.0, at_once=AT_ONCE
            ).run(stop)

    return run


async def sweep_untold(tx: TenantTx) -> int:
    """Have tickets looked at that no message told of; return how many."""
    rows = await tx.conn.fetch(UNTOLD, tx.now, MOST)
    for row in rows:
        await asset_rows.look(tx, row["event_id"], tickets=row["tickets"])
    return sum(len(row["tickets"]) for row in rows)


SWEEPS: Final = (Sweep("ledger", SWEEP_EVERY, EVERY_TENANT, sweep_untold),)
