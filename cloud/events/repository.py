"""Events in PostgreSQL. Row-level security adds the tenant to every query."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events import plan as plans
from cloud.events.model import Event, NewEvent
from cloud.events.plan import ClassEntry, Entry
from cloud.events.venue_repository import layout
from shared.event import Plan

READ: Final[LiteralString] = "SELECT * FROM event WHERE event_id = $1"
LOCK: Final[LiteralString] = "SELECT * FROM event WHERE event_id = $1 FOR NO KEY UPDATE"


async def event_row(tx: TenantTx, event_id: UUID) -> Event:
    """Return an event, or refuse with `not_found`."""
    return _event(await tx.conn.fetchrow(READ, event_id))


async def locked(tx: TenantTx, event_id: UUID, version: int | None = None) -> Event:
    """Return an event that nobody else changes until this transaction ends.

    `version`: the one that the caller has seen; another is refused.
    """
    event = _event(await tx.conn.fetchrow(LOCK, event_id))
    if version not in (None, event.version):
        raise Refusal("version_stale", field="/version", accepted=str(event.version))
    return event


CLASSES: Final[LiteralString] = """
    SELECT class_index, name, entry FROM ticket_class WHERE event_id = $1 ORDER BY class_index
"""


async def plan_of(tx: TenantTx, event_id: UUID) -> Plan:
    """Return what gates go by, as the event, its venue and its classes now say."""
    event = await event_row(tx, event_id)
    zones, gates = await layout(tx, event.venue_id)
    rows = await tx.conn.fetch(CLASSES, event_id)
    return plans.compute(
        event.name,
        event.timezone,
        ZoneInfo(event.timezone),
        zones=zones,
        gates=gates,
        days=event.days,
        classes=[
            ClassEntry(row["class_index"], row["name"], msgspec.convert(row["entry"], Entry))
            for row in rows
        ],
        policy=event.policy,
    )


INSERT: Final[LiteralString] = """
    INSERT INTO event (
        ref, venue_id, name, description, timezone, doors_at, starts_at, ends_at, days, currency,
        policy, royalty_bps, transfers, transfer_freeze, resale, resale_cap_bps, reissue_limit,
        reissue_cooldown, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    ON CONFLICT (tenant_id, ref) DO NOTHING RETURNING *
"""


async def insert(tx: TenantTx, new: NewEvent, timezone: str, ref: bytes) -> Event | None:
    """Store a draft; None where another event has its reference."""
    row = await tx.conn.fetchrow(
        INSERT,
        ref,
        new.venue_id,
        new.name,
        new.description,
        timezone,
        new.doors_at,
        new.starts_at,
        new.ends_at,
        msgspec.to_builtins(new.days),
        new.currency,
        msgspec.to_builtins(new.policy),
        new.royalty_bps,
        new.transfers,
        new.transfer_freeze,
        new.resale,
        new.resale_cap_bps,
        new.reissue_limit,
        new.reissue_cooldown,
        tx.now,
    )
    return None if row is None else _event(row)


UPDATE: Final[LiteralString] = """
    UPDATE event SET
        venue_id = $2, name = $3, description = $4, timezone = $5, doors_at = $6, starts_at = $7,
        ends_at = $8, days = $9, currency = $10, state = $11, policy = $12, royalty_bps = $13,
        transfers = $14, transfer_freeze = $15, resale = $16, resale_cap_bps = $17,
        reissue_limit = $18, reissue_cooldown = $19, published_at = $20, cancelled_at = $21,
        version = version + 1
     WHERE event_id = $1 RETURNING *
"""


async def update(tx: TenantTx, event: Event, changed: Mapping[str, Any]) -> Event:
    """Store a changed event as its next version."""
    new = msgspec.structs.replace(event, **changed)
    row = await tx.conn.fetchrow(
        UPDATE,
        new.event_id,
        new.venue_id,
        new.name,
        new.description,
        new.timezone,
        new.doors_at,
        new.starts_at,
        new.ends_at,
        msgspec.to_builtins(new.days),
        new.currency,
        new.state,
        msgspec.to_builtins(new.policy),
        new.royalty_bps,
        new.transfers,
        new.transfer_freeze,
        new.resale,
        new.resale_cap_bps,
        new.reissue_limit,
        new.reissue_cooldown,
        new.published_at,
        new.cancelled_at,
    )
    return _event(row)


Sight = Literal["public", "attached", "all"]
LIST: Final[LiteralString] = """
    SELECT * FROM event e
     WHERE ($1::timestamptz IS NULL OR (starts_at, event_id) > ($1, $2::uuid))
       AND ($3::text IS NULL OR state = $3)
       AND CASE $4::text WHEN 'all' THEN true
                         WHEN 'public' THEN state <> 'draft'
                         ELSE EXISTS (SELECT FROM event_artist a
                                       WHERE a.event_id = e.event_id AND a.account_id = $5) END
     ORDER BY starts_at, event_id LIMIT $6
"""


async def list_events(
    tx: TenantTx,
    after: tuple[datetime, UUID] | None,
    state: str | None,
    sight: Sight,
    account: UUID | None,
    limit: int,
) -> list[Event]:
    """Return events by their start, of those in sight."""
    at, event_id = after or (None, None)
    rows = await tx.conn.fetch(LIST, at, event_id, state, sight, account, limit)
    return [_event(row) for row in rows]


ATTACHED: Final[LiteralString] = """
    SELECT true FROM event_artist WHERE event_id = $1 AND account_id = $2
"""


async def is_attached(tx: TenantTx, event_id: UUID, account: UUID | None) -> bool:
    """Whether an artist plays at the event."""
    return bool(await tx.conn.fetchval(ATTACHED, event_id, account))


OVER: Final[LiteralString] = """
    SELECT event_id FROM event
     WHERE state = 'published' AND ends_at < $1 ORDER BY ends_at FOR NO KEY UPDATE SKIP LOCKED
"""
END: Final[LiteralString] = """
    UPDATE event SET state = 'ended', version = version + 1 WHERE event_id = ANY($1)
"""


async def end_those_over(tx: TenantTx) -> list[UUID]:
    """End the events whose time is over; return which."""
    over = [row["event_id"] for row in await tx.conn.fetch(OVER, tx.now)]
    await tx.conn.execute(END, over)
    return over


TO_EXPIRE: Final[LiteralString] = """
    SELECT event_id FROM event
     WHERE state IN ('ended', 'cancelled') AND expired_at IS NULL AND ends_at < $1
     ORDER BY ends_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
EXPIRED: Final[LiteralString] = "UPDATE event SET expired_at = $2 WHERE event_id = $1"


async def next_to_expire(tx: TenantTx, ended_before: datetime) -> UUID | None:
    """Return an event whose tickets are to expire."""
    found: UUID | None = await tx.conn.fetchval(TO_EXPIRE, ended_before)
    return found


async def expired(tx: TenantTx, event_id: UUID) -> None:
    """Write down that all of an event's tickets are expired."""
    await tx.conn.execute(EXPIRED, event_id, tx.now)


def _event(row: Row | None) -> Event:
    if row is None:
        raise Refusal("not_found")
    return msgspec.convert({name: row[name] for name in Event.__struct_fields__}, Event)
