"""What is shown of events and classes, and to whom.

Anyone sees what has been published; whoever may read the tenant's events sees all of it, and
an artist so much of the events where they play.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events import class_repository, repository, venue_repository
from cloud.events.class_model import Counts, InnerClass, TicketClass, TicketClassRow, sale
from cloud.events.model import Event, EventState, Resale
from cloud.events.plan import Hours
from cloud.events.repository import Sight
from cloud.http.access import Caller
from shared.event import Policy


class InnerEvent(msgspec.Struct, frozen=True):
    """What the organizer alone sees of an event. `tickets`: how many were ever made."""

    version: int
    policy: Policy
    royalty_bps: int
    reissue_limit: int
    reissue_cooldown: int
    tickets: int


class EventView(msgspec.Struct, frozen=True):
    """An event. `ref` is its name in tokens and in gates' logs, in hex."""

    event_id: UUID
    ref: str
    venue_id: UUID
    venue_name: str
    venue_address: str
    name: str
    description: str
    timezone: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    days: tuple[Hours, ...]
    currency: str
    state: EventState
    transfers: bool
    transfer_freeze: int
    resale: Resale
    resale_cap_bps: int
    published_at: datetime | None
    cancelled_at: datetime | None
    organizer: InnerEvent | None = None


def sight(caller: Caller) -> Sight:
    """Return which events the caller sees from inside."""
    if not caller.has("events:read"):
        return "public"
    return "attached" if caller.role == "artist" else "all"


async def sees_inside(tx: TenantTx, caller: Caller, event: Event) -> bool:
    """Whether the caller is shown all of an event; refuse what they may not see at all."""
    seen = sight(caller)
    inside = seen == "all" or (
        seen == "attached" and await repository.is_attached(tx, event.event_id, caller.account)
    )
    if event.state == "draft" and not inside:
        raise Refusal("not_found")
    return inside


async def show(tx: TenantTx, events: Sequence[Event], *, inside: bool) -> list[EventView]:
    """Return events as they are shown."""
    venues = await venue_repository.names(tx, [event.venue_id for event in events])
    return [_view(event, *venues[event.venue_id], inside=inside) for event in events]


async def show_one(tx: TenantTx, event: Event, *, inside: bool = True) -> EventView:
    """Return one event as it is shown."""
    return (await show(tx, [event], inside=inside))[0]


async def show_classes(
    tx: TenantTx, event: Event, rows: Sequence[TicketClassRow], *, inside: bool = True
) -> list[TicketClass]:
    """Return ticket classes as they are shown."""
    if not inside:
        free = await class_repository.available(tx, event.event_id)
        return [_class(event, row, free.get(row.class_index, 0), None, tx.now) for row in rows]
    counts = await class_repository.counts(tx, event.event_id)
    found = [(row, counts.get(row.class_index, Counts())) for row in rows]
    return [
        _class(
            event, row, count.free, InnerClass(row.version, row.capacity, row.entry, count), tx.now
        )
        for row, count in found
    ]


def _view(event: Event, venue_name: str, venue_address: str, *, inside: bool) -> EventView:
    given = {
        name: getattr(event, name)
        for name in EventView.__struct_fields__
        if name not in ("ref", "venue_name", "venue_address", "organizer")
    }
    inner = InnerEvent(
        event.version,
        event.policy,
        event.royalty_bps,
        event.reissue_limit,
        event.reissue_cooldown,
        event.next_number,
    )
    return EventView(
        ref=event.ref.hex(),
        venue_name=venue_name,
        venue_address=venue_address,
        organizer=inner if inside else None,
        **given,
    )


def _class(
    event: Event, row: TicketClassRow, free: int, inner: InnerClass | None, now: datetime
) -> TicketClass:
    return TicketClass(
        index=row.class_index,
        name=row.name,
        price=row.price,
        currency=event.currency,
        per_order=row.per_order,
        seated=row.seated,
        live=row.live,
        transferable=row.transferable,
        resalable=row.resalable,
        sale_from=row.sale_from,
        sale_until=row.sale_until,
        sale=sale(event.state, event.ends_at, row, now),
        available=free,
        organizer=inner,
    )
