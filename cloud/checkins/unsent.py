"""What counts lack: records that gates have not sent, by what each has told of itself last."""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple

from cloud.db.tenancy import TenantTx


class Unsent(NamedTuple):
    """Of the gates that hold an event's list. `waiting`: records, when each reported last;
    `heard_at`: when the one reported that has been silent for longest, None without any."""

    waiting: int
    heard_at: datetime | None


READ: Final[LiteralString] = """
    SELECT coalesce(sum((r.body ->> 'waiting')::bigint), 0)::bigint AS waiting,
           min(r.received_at) AS heard_at
      FROM device_report r JOIN device d USING (tenant_id, device_id)
     WHERE r.tenant_id = current_tenant() AND d.revoked_at IS NULL
       AND r.body @> jsonb_build_object('manifests',
                         jsonb_build_array(jsonb_build_object('event', $1::text)))
"""


async def read(tx: TenantTx, ref: bytes) -> Unsent:
    """Return what gates have not sent of an event, as far as they said."""
    row = await tx.conn.fetchrow(READ, ref.hex())
    return Unsent(row["waiting"], row["heard_at"]) if row else Unsent(0, None)
