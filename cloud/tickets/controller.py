"""Tickets over HTTP: one's own, an event's, one of them, its history."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from cloud import unsent
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, fan, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.lately import Lately
from cloud.tickets import repository
from cloud.tickets.controller_acts import ACT_ROUTES
from cloud.tickets.controller_codes import CODE_ROUTES
from cloud.tickets.controller_paths import TENANT, TICKET, TICKETS
from cloud.tickets.controller_told import told
from cloud.tickets.guests_controller import GUEST_ROUTES
from cloud.tickets.lifecycle import State
from cloud.tickets.model import Moved, OwnTicket, Ticket
from cloud.tickets.model_access import judge, veiled
from cloud.tickets.repository import Filter, MovePlace, OwnPlace, TicketPlace

StateAsked = Annotated[
    State | None,
    QueryParameter(description="In one state alone. By default all that are or were somebody's."),
]
ClassAsked = Annotated[int | None, QueryParameter(ge=0, le=65_535, description="Of one class.")]
TextAsked = Annotated[
    str,
    QueryParameter(
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Part of a name, address or seat, or the beginning of an order's id.",
    ),
]


@get(
    f"{TENANT}/tickets", opt=fan(), tags=["tickets"], operation_id="listOwnTickets",
    summary="List one's own tickets",
)  # fmt: skip
async def list_own(
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[OwnTicket]:
    """Return the caller's tickets of all events, the latest event first."""
    rows = await repository.own(tx, caller.own(), decode(cursor, OwnPlace), limit + 1)
    return page(
        rows,
        limit,
        lambda each: OwnPlace(each.starts_at, each.ticket.event_id, each.ticket.number),
    )


@get(
    TICKETS, opt=needs("tickets:read"), tags=["tickets"], operation_id="listTickets",
    summary="List an event's tickets", response_headers=unsent.HEADERS,
)  # fmt: skip
async def list_tickets(
    event_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    ticket_state: StateAsked = None,
    class_index: ClassAsked = None,
    q: TextAsked = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response[Page[Ticket]]:
    """Return an event's tickets by their numbers."""
    of = Filter(ticket_state, class_index, q)
    rows = await repository.of_event(tx, event_id, of, decode(cursor, TicketPlace), limit + 1)
    if not rows and not await repository.event_exists(tx, event_id):
        raise Refusal("not_found")
    found = page(rows, limit, lambda each: TicketPlace(each.number))
    return await unsent.beside(tx, event_id, found)


@get(
    TICKET, opt=fan(), tags=["tickets"], operation_id="readTicket", summary="Read a ticket",
    response_headers=unsent.HEADERS,
)  # fmt: skip
async def read(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    lately: NamedDependency[Lately],
) -> Response[Ticket]:
    """Return a ticket to its owner, or to who may read tickets."""
    seen = await _seen(tx, caller, event_id, ticket_id)
    staff = caller.has("tickets:read")
    return Response(seen, headers=await lately.head(tx.tenant, event_id) if staff else {})


@get(
    f"{TICKET}/moves", opt=fan(), tags=["tickets"], operation_id="listTicketMoves",
    summary="Read a ticket's history", response_headers=unsent.HEADERS,
)  # fmt: skip
async def list_moves(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response[Page[Moved]]:
    """Return every move that a ticket made, the oldest first.

    Its owner is not told who else acted, nor why.
    """
    await _seen(tx, caller, event_id, ticket_id)
    after = decode(cursor, MovePlace)
    rows = await repository.moves(tx, event_id, ticket_id, after, limit + 1)
    if not caller.has("tickets:read"):
        rows = [veiled(each, caller.actor) for each in rows]
    found = page(rows, limit, lambda each: MovePlace(each.number))
    return await told(tx, caller, event_id, found)


async def _seen(tx: TenantTx, caller: Caller, event_id: UUID, ticket_id: UUID) -> Ticket:
    ticket = await repository.read(tx, event_id, ticket_id, caller.account)
    judge(caller, ticket.account_id if ticket else None, "tickets:read")
    if ticket is None:
        raise Refusal("not_found")
    return ticket


ROUTES: Final = (list_own, list_tickets, read, list_moves, *ACT_ROUTES, *CODE_ROUTES, *GUEST_ROUTES)
