"""What the cloud's word lacks: records that gates have not sent, by what each said of itself last.

Every answer that shows what gates did says so in its head, by the names that a gate's own answers
have (edge/web/README.md): nobody need know a switch or a second address to see how old it is.
Guests are not told: whoever has a copy of a ticket would read when gates are cut off.
"""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple, TypeVar
from uuid import UUID

from litestar import Response
from litestar.datastructures import ResponseHeader

from cloud.db.tenancy import TenantTx

AGE: Final = "Usher-Data-Age"
WAITING: Final = "Usher-Waiting"
T = TypeVar("T")
HEADERS: Final = (
    ResponseHeader(
        AGE,
        description="Seconds since the gate reported that has been silent for longest, of those"
        " that take part; absent where none has, and for guests.",
        documentation_only=True,
    ),
    ResponseHeader(
        WAITING,
        description="Records that these gates had not sent when they last reported; absent for"
        " guests.",
        documentation_only=True,
    ),
)


class Unsent(NamedTuple):
    """Of the gates that take part. `waiting`: records, when each reported last; `heard_at`: when
    the one reported that has been silent for longest, None without any."""

    waiting: int
    heard_at: datetime | None


# By the lists that a gate holds. Without an event: of any that has not been over for a day.
READ: Final[LiteralString] = """
    SELECT coalesce(sum((r.body ->> 'waiting')::bigint), 0)::bigint AS waiting,
           min(r.received_at) AS heard_at
      FROM device_report r JOIN device d USING (tenant_id, device_id)
     WHERE r.tenant_id = current_tenant() AND d.revoked_at IS NULL
       AND CASE WHEN $1::uuid IS NULL
           THEN EXISTS (
               SELECT FROM jsonb_to_recordset(r.body -> 'manifests') AS held (event text)
                 JOIN event e ON e.tenant_id = r.tenant_id AND encode(e.ref, 'hex') = held.event
                WHERE e.ends_at > $2::timestamptz - interval '1 day')
           ELSE r.body @> jsonb_build_object('manifests', jsonb_build_array(jsonb_build_object(
               'event', (SELECT encode(ref, 'hex') FROM event
                          WHERE tenant_id = current_tenant() AND event_id = $1)))) END
"""


async def read(tx: TenantTx, event_id: UUID | None) -> Unsent:
    """Return what gates have not sent, as far as they said: those of an event, or of all events
    that are on or to come."""
    row = await tx.conn.fetchrow(READ, event_id, tx.now)
    return Unsent(row["waiting"], row["heard_at"]) if row else Unsent(0, None)


async def beside(tx: TenantTx, event_id: UUID | None, said: T) -> Response[T]:
    """Return an answer that says the same in its head."""
    return Response(said, headers=headers(await read(tx, event_id), tx.now))


def headers(unsent: Unsent, now: datetime) -> dict[str, str]:
    """Return what was read as headers of an answer that is given now."""
    said = {WAITING: str(unsent.waiting)}
    if unsent.heard_at is not None:
        said[AGE] = str(max(0, int((now - unsent.heard_at).total_seconds())))
    return said
