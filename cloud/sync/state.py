"""What is newest, for one device."""

from typing import Final, LiteralString

from cloud.db.tenancy import TenantTx
from shared.wire import MAX_EVENTS, EventState, SyncState

VERSIONS: Final[LiteralString] = """
    SELECT coalesce(max(version), 0) AS keyset,
           (SELECT coalesce(sum(seq), 0) FROM log_head WHERE tenant_id = current_tenant())::bigint
               AS records
      FROM keyset WHERE tenant_id = current_tenant()
"""
EVENTS: Final[LiteralString] = """
    SELECT e.ref, m.version FROM event e JOIN manifest m USING (tenant_id, event_id)
     WHERE e.tenant_id = current_tenant() AND e.state <> 'draft' AND m.version > 0
       AND e.ends_at > $1::timestamptz - interval '24 hours'
       AND e.doors_at < $1 + interval '14 days'
     ORDER BY e.doors_at, e.ref LIMIT $2
"""


async def read(tx: TenantTx) -> SyncState:
    """Return the state. Rosters, commands and incidents are 0 until there are such."""
    row = await tx.conn.fetchrow(VERSIONS)
    if row is None:  # an aggregate always returns a row
        raise RuntimeError("no versions")
    events = await tx.conn.fetch(EVENTS, tx.now, MAX_EVENTS)
    return SyncState(
        at=int(tx.now.timestamp() * 1000),
        keyset=row["keyset"],
        roster=0,
        commands=0,
        records=row["records"],
        incidents=0,
        events=tuple(EventState(each["ref"].hex(), each["version"]) for each in events),
    )
