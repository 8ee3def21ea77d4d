"""Ticket classes over HTTP."""

from typing import Annotated, Final
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from cloud.db.tenancy import TenantTx
from cloud.events import class_acts, class_repository, repository, views
from cloud.events.class_model import (
    ClassEdit,
    NewClass,
    SeatChange,
    SeatView,
    TicketClass,
    TicketClassRow,
)
from cloud.events.model import Event, Versioned
from cloud.http.access import Caller, anyone, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page

CLASSES: Final = "/v1/tenants/{tenant_id:uuid}/events/{event_id:uuid}/classes"
CLASS: Final = f"{CLASSES}/{{class_index:int}}"
# Twenty thousand seats with long names.
WRITES: Final = {**needs("events:write"), "body_limit": 4 << 20}
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Index = Annotated[int, PathParameter(ge=0, le=65_535, description="The class's index.")]


@get(CLASSES, opt=anyone(), tags=["events"], operation_id="listClasses", summary="List classes")
async def list_classes(
    event_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> list[TicketClass]:
    """Return an event's ticket classes, and how many tickets are to be had."""
    event = await repository.event_row(tx, event_id)
    inside = await views.sees_inside(tx, caller, event)
    rows = await class_repository.class_rows(tx, event_id)
    return await views.show_classes(tx, event, rows, inside=inside)


@post(CLASSES, opt=WRITES, tags=["events"], operation_id="createClass", summary="Add a class")
async def create_class(
    event_id: FromPath[UUID], data: JSONBody[NewClass], tx: NamedDependency[TenantTx]
) -> TicketClass:
    """Add a ticket class. With `seats` its tickets are these seats; else `capacity` of them."""
    return await _shown(tx, *await class_acts.create(tx, event_id, data))


@patch(CLASS, opt=WRITES, tags=["events"], operation_id="changeClass", summary="Change a class")
async def change_class(
    event_id: FromPath[UUID],
    class_index: Index,
    data: JSONBody[ClassEdit],
    tx: NamedDependency[TenantTx],
) -> TicketClass:
    """Change what is named, from the version that you saw.

    A lower capacity withdraws free tickets alone: not below what is held and sold.
    """
    return await _shown(tx, *await class_acts.edit(tx, event_id, class_index, data))


@delete(
    CLASS,
    opt=needs("events:write"),
    status_code=204,
    tags=["events"],
    operation_id="deleteClass",
    summary="Delete a draft's class",
)
async def delete_class(
    event_id: FromPath[UUID],
    class_index: Index,
    tx: NamedDependency[TenantTx],
    version: Annotated[int, QueryParameter(ge=1, description="The version that you saw.")],
) -> None:
    """Remove a class of an event that was never published."""
    await class_acts.delete(tx, event_id, class_index, version)


@post(
    f"{CLASS}/withdraw",
    opt=needs("events:write"),
    status_code=200,
    tags=["events"],
    operation_id="withdrawClass",
    summary="Withdraw a class from sale",
)
async def withdraw_class(
    event_id: FromPath[UUID],
    class_index: Index,
    data: JSONBody[Versioned],
    tx: NamedDependency[TenantTx],
) -> TicketClass:
    """Sell no more of a class. Tickets that are sold keep admitting."""
    done = await class_acts.set_sale(tx, event_id, class_index, data.version, on=False)
    return await _shown(tx, *done)


@post(
    f"{CLASS}/resume",
    opt=needs("events:write"),
    status_code=200,
    tags=["events"],
    operation_id="resumeClass",
    summary="Put a class back on sale",
)
async def resume_class(
    event_id: FromPath[UUID],
    class_index: Index,
    data: JSONBody[Versioned],
    tx: NamedDependency[TenantTx],
) -> TicketClass:
    """Sell a withdrawn class again."""
    done = await class_acts.set_sale(tx, event_id, class_index, data.version, on=True)
    return await _shown(tx, *done)


@get(
    f"{CLASS}/seats",
    opt=anyone(),
    tags=["events"],
    operation_id="listSeats",
    summary="List a class's seats",
)
async def list_seats(
    event_id: FromPath[UUID],
    class_index: Index,
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[SeatView]:
    """Return the seats of a published class, and which are free."""
    event = await repository.event_row(tx, event_id)
    await views.sees_inside(tx, caller, event)
    await class_repository.class_row(tx, event_id, class_index)
    (last,) = decode(cursor, tuple[Number]) or (-1,)
    seats = await class_repository.seats(tx, event_id, class_index, last, limit + 1)
    return page(seats, limit, lambda seat: (seat.number,))


@post(
    f"{CLASS}/seats",
    opt=WRITES,
    status_code=200,
    tags=["events"],
    operation_id="addSeats",
    summary="Add seats",
)
async def add_seats(
    event_id: FromPath[UUID],
    class_index: Index,
    data: JSONBody[SeatChange],
    tx: NamedDependency[TenantTx],
) -> TicketClass:
    """Add seats to a class that has them."""
    return await _shown(tx, *await class_acts.add_seats(tx, event_id, class_index, data))


@post(
    f"{CLASS}/seats/withdraw",
    opt=WRITES,
    status_code=200,
    tags=["events"],
    operation_id="withdrawSeats",
    summary="Withdraw seats",
)
async def withdraw_seats(
    event_id: FromPath[UUID],
    class_index: Index,
    data: JSONBody[SeatChange],
    tx: NamedDependency[TenantTx],
) -> TicketClass:
    """Take free seats off sale. One that is held or sold is refused, and nothing is done."""
    return await _shown(tx, *await class_acts.withdraw_seats(tx, event_id, class_index, data))


async def _shown(tx: TenantTx, event: Event, row: TicketClassRow) -> TicketClass:
    return (await views.show_classes(tx, event, [row]))[0]


CLASS_ROUTES: Final = (
    list_classes,
    create_class,
    change_class,
    delete_class,
    withdraw_class,
    resume_class,
    list_seats,
    add_seats,
    withdraw_seats,
)
