"""What is newest, for one device or for all of a tenant's."""

from collections.abc import Mapping
from typing import Final, LiteralString, NamedTuple

from msgspec import structs

from cloud.db.tenancy import TenantTx
from shared.wire import MAX_EVENTS, EventState, SyncState

VERSIONS: Final[LiteralString] = """
    SELECT coalesce(max(version), 0) AS keyset,
           (SELECT coalesce(sum(records), 0) FROM log_count WHERE tenant_id = current_tenant())
               ::bigint AS records,
           (SELECT coalesce(max(number), 0) FROM incident_count
             WHERE tenant_id = current_tenant()) AS incidents,
           (SELECT coalesce(max(version), 0) FROM roster WHERE tenant_id = current_tenant())
               AS roster,
           (SELECT coalesce(max(number), 0) FROM device_command
             WHERE tenant_id = current_tenant() AND device_id = $1) AS commands
      FROM keyset WHERE tenant_id = current_tenant()
"""
EVENTS: Final[LiteralString] = """
    SELECT e.ref, m.version, CASE WHEN s.series IS NULL THEN 0 ELSE s.version END AS search
      FROM event e JOIN manifest m USING (tenant_id, event_id)
      LEFT JOIN search_list s USING (tenant_id, event_id)
     WHERE e.tenant_id = current_tenant() AND e.state <> 'draft' AND m.version > 0
       AND e.ends_at > $1::timestamptz - interval '24 hours'
       AND e.doors_at < $1 + interval '14 days'
     ORDER BY e.doors_at, e.ref LIMIT $2
"""


# Of every device: a tenant's streams are told at once.
COMMANDS: Final[LiteralString] = """
    SELECT device_id, max(number) AS number FROM device_command
     WHERE tenant_id = current_tenant() GROUP BY device_id
"""
REVOKED: Final[LiteralString] = """
    SELECT device_id FROM device WHERE tenant_id = current_tenant() AND revoked_at IS NOT NULL
"""
NOBODY: Final = bytes(16)


class Newest(NamedTuple):
    """The state of a tenant, and what differs by device."""

    state: SyncState
    commands: Mapping[bytes, int]  # the newest number, where there is one
    revoked: frozenset[bytes]

    def of(self, device: bytes) -> SyncState | None:
        """Return the state as it is for a device, None if it was withdrawn."""
        if device in self.revoked:
            return None
        return structs.replace(self.state, commands=self.commands.get(device, 0))


async def read_all(tx: TenantTx) -> Newest:
    """Return the state for all devices."""
    said = await read(tx, NOBODY)
    commands = {r["device_id"]: r["number"] for r in await tx.conn.fetch(COMMANDS)}
    revoked = frozenset(row["device_id"] for row in await tx.conn.fetch(REVOKED))
    return Newest(said, commands, revoked)


async def read(tx: TenantTx, device: bytes) -> SyncState:
    """Return the state, as it is for a device."""
    row = await tx.conn.fetchrow(VERSIONS, device)
    if row is None:  # an aggregate always returns a row
        raise RuntimeError("no versions")
    events = await tx.conn.fetch(EVENTS, tx.now, MAX_EVENTS)
    return SyncState(
        at=int(tx.now.timestamp() * 1000),
        keyset=row["keyset"],
        roster=row["roster"],
        commands=row["commands"],
        records=row["records"],
        incidents=row["incidents"],
        events=tuple(
            EventState(each["ref"].hex(), each["version"], each["search"]) for each in events
        ),
    )
