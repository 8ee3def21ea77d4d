"""What may be done with an event's ticket classes and their seats."""

from uuid import UUID

import msgspec

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events import class_repository, repository, stock
from cloud.events.acts import require_sound, tell
from cloud.events.class_model import (
    ClassEdit,
    NewClass,
    SeatChange,
    TicketClassRow,
    changes,
    check,
    check_seats,
    refuse_repeated,
)
from cloud.events.fields import check_price
from cloud.events.model import Event

MAX_CLASSES = 500


async def create(tx: TenantTx, event_id: UUID, new: NewClass) -> tuple[Event, TicketClassRow]:
    """Add a class; at a published event its tickets are there at once."""
    event = await _open(tx, event_id)
    check(new)
    check_price(new.price, event.currency, "/price")
    check_seats(new)
    each = await class_repository.insert(tx, event_id, new)
    if each.class_index >= MAX_CLASSES:
        raise Refusal("too_many_classes", accepted=f"{MAX_CLASSES} classes in an event")
    await class_repository.add_seats(tx, event_id, each.class_index, new.seats)
    if event.state == "published":
        await stock.add_seats(tx, event_id, each.class_index, new.seats)
        await stock.add(tx, event_id, each.class_index, 0 if each.seated else each.capacity)
    return event, await _done(tx, event, each, "class.created")


async def edit(
    tx: TenantTx, event_id: UUID, class_index: int, wanted: ClassEdit
) -> tuple[Event, TicketClassRow]:
    """Change a class. More capacity makes tickets; less withdraws free ones, and no others."""
    event = await repository.locked(tx, event_id)
    before = await class_repository.class_row(tx, event_id, class_index, wanted.version)
    changed = changes(event.state, before, wanted)
    if not changed:
        return event, before
    after = msgspec.structs.replace(before, **changed)
    check(after)
    if "price" in changed:
        check_price(after.price, event.currency, "/price")
    each = await class_repository.update(tx, after)
    if event.state == "published":
        more = each.capacity - before.capacity
        await stock.add(tx, event_id, class_index, max(0, more))
        await stock.withdraw(tx, event_id, class_index, max(0, -more))
    return event, await _done(tx, event, each, "class.changed")


async def delete(tx: TenantTx, event_id: UUID, class_index: int, version: int) -> None:
    """Remove a class of a draft."""
    event = await repository.locked(tx, event_id)
    await class_repository.class_row(tx, event_id, class_index, version)
    if event.state != "draft":
        raise Refusal("event_state", accepted="a draft; a class on sale can be withdrawn")
    await class_repository.delete(tx, event_id, class_index)
    await tx.audit("class.deleted", f"event:{event_id}", class_index=class_index)


async def set_sale(
    tx: TenantTx, event_id: UUID, class_index: int, version: int, *, on: bool
) -> tuple[Event, TicketClassRow]:
    """Withdraw a class from sale, or put it back."""
    event = await _open(tx, event_id)
    each = await class_repository.class_row(tx, event_id, class_index, version)
    if on is (each.withdrawn_at is None):
        return event, each
    withdrawn_at = None if on else tx.now
    each = await class_repository.update(
        tx, msgspec.structs.replace(each, withdrawn_at=withdrawn_at)
    )
    return event, await _done(tx, event, each, "class.resumed" if on else "class.withdrawn")


async def add_seats(
    tx: TenantTx, event_id: UUID, class_index: int, wanted: SeatChange
) -> tuple[Event, TicketClassRow]:
    """Add seats to a seated class."""
    event, each = await _seated(tx, event_id, class_index, wanted)
    await class_repository.add_seats(tx, event_id, class_index, wanted.seats)
    if event.state == "published":
        await stock.add_seats(tx, event_id, class_index, wanted.seats)
    each = await _resized(tx, each, len(wanted.seats))
    return event, await _done(tx, event, each, "class.seats_added")


async def withdraw_seats(
    tx: TenantTx, event_id: UUID, class_index: int, wanted: SeatChange
) -> tuple[Event, TicketClassRow]:
    """Take free seats off sale."""
    event, each = await _seated(tx, event_id, class_index, wanted)
    await class_repository.withdraw_seats(tx, event_id, class_index, wanted.seats)
    if event.state == "published":
        await stock.withdraw_seats(tx, event_id, class_index, wanted.seats)
    each = await _resized(tx, each, -len(wanted.seats))
    return event, await _done(tx, event, each, "class.seats_withdrawn")


async def _seated(
    tx: TenantTx, event_id: UUID, class_index: int, wanted: SeatChange
) -> tuple[Event, TicketClassRow]:
    refuse_repeated(wanted.seats)
    event = await _open(tx, event_id)
    each = await class_repository.class_row(tx, event_id, class_index, wanted.version)
    if not each.seated:
        raise Refusal("class_unseated", field="/seats", accepted="a class made with seats")
    return event, each


async def _resized(tx: TenantTx, each: TicketClassRow, by: int) -> TicketClassRow:
    larger = msgspec.structs.replace(each, capacity=each.capacity + by)
    return await class_repository.update(tx, larger)


async def _open(tx: TenantTx, event_id: UUID) -> Event:
    event = await repository.locked(tx, event_id)
    if event.state in ("cancelled", "ended"):
        raise Refusal("event_closed")
    return event


async def _done(tx: TenantTx, event: Event, each: TicketClassRow, action: str) -> TicketClassRow:
    index = each.class_index
    await tx.audit(action, f"event:{event.event_id}", class_index=index, version=each.version)
    if event.state == "published":
        await require_sound(tx, event)
        await tell(tx, event, "event.changed", class_index=index)
    return each
