"""Events over HTTP."""

import secrets
from typing import Annotated, Final, Literal
from uuid import UUID

from litestar import get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events import acts, artist_repository, repository, views
from cloud.events.class_controller import CLASS_ROUTES
from cloud.events.fields import Moment
from cloud.events.model import Artist, Artists, EventEdit, NewEvent, Versioned
from cloud.events.venue_controller import VENUE_ROUTES
from cloud.events.views import EventView
from cloud.http.access import Caller, anyone, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys.issuers import Issuers

EVENTS: Final = "/v1/tenants/{tenant_id:uuid}/events"
EVENT: Final = f"{EVENTS}/{{event_id:uuid}}"
StateAsked = Annotated[
    Literal["draft", "published", "cancelled", "ended"] | None,
    QueryParameter(description="Only these. By default the public sees published ones."),
]


@get(EVENTS, opt=anyone(), tags=["events"], operation_id="listEvents", summary="List events")
async def list_events(
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    event_state: StateAsked = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[EventView]:
    """Return events by their start: published ones, or for an organizer all of them."""
    seen = views.sight(caller)
    wanted = event_state or ("published" if seen == "public" else None)
    after = decode(cursor, tuple[Moment, UUID])
    rows = await repository.list_events(tx, after, wanted, seen, caller.account, limit + 1)
    shown = await views.show(tx, rows, inside=seen != "public")
    return page(shown, limit, lambda event: (event.starts_at, event.event_id))


@post(
    EVENTS,
    opt=needs("events:write"),
    tags=["events"],
    operation_id="createEvent",
    summary="Make an event",
)
async def create_event(data: JSONBody[NewEvent], tx: NamedDependency[TenantTx]) -> EventView:
    """Make a draft. Add ticket classes, then publish it."""
    return await views.show_one(tx, await acts.create(tx, data, secrets.token_bytes))


@get(EVENT, opt=anyone(), tags=["events"], operation_id="readEvent", summary="Read an event")
async def read_event(
    event_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> EventView:
    """Return an event; a draft to whoever may read it."""
    event = await repository.event_row(tx, event_id)
    return await views.show_one(tx, event, inside=await views.sees_inside(tx, caller, event))


@patch(
    EVENT,
    opt=needs("events:write"),
    tags=["events"],
    operation_id="changeEvent",
    summary="Change an event",
)
async def change_event(
    event_id: FromPath[UUID],
    data: JSONBody[EventEdit],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> EventView:
    """Change what is named, from the version that you saw.

    Once it is published, its venue, time zone and currency stand.
    """
    return await views.show_one(tx, await acts.edit(tx, event_id, data, issuers))


@post(
    f"{EVENT}/publish",
    opt=needs("events:write"),
    status_code=200,
    tags=["events"],
    operation_id="publishEvent",
    summary="Publish an event",
)
async def publish_event(
    event_id: FromPath[UUID],
    data: JSONBody[Versioned],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
) -> EventView:
    """Put an event on sale: checks its plan, makes its signing key and its tickets.

    A plan with faults is refused with `plan_faulty`; `faults` lists each with what it takes.
    """
    return await views.show_one(tx, await acts.publish(tx, event_id, data.version, issuers))


@post(
    f"{EVENT}/cancel",
    opt=needs("events:write"),
    status_code=200,
    tags=["events"],
    operation_id="cancelEvent",
    summary="Cancel an event",
)
async def cancel_event(
    event_id: FromPath[UUID], data: JSONBody[Versioned], tx: NamedDependency[TenantTx]
) -> EventView:
    """Cancel an event for good. Its paid orders are refunded."""
    return await views.show_one(tx, await acts.cancel(tx, event_id, data.version))


@get(
    f"{EVENT}/artists",
    opt=needs("events:read"),
    tags=["events"],
    operation_id="listArtists",
    summary="List an event's artists",
)
async def list_artists(
    event_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> list[Artist]:
    """Return who plays, and their parts of the royalties."""
    event = await repository.event_row(tx, event_id)
    if not await views.sees_inside(tx, caller, event):
        raise Refusal("not_found")
    return list(await artist_repository.artists(tx, event_id))


@put(
    f"{EVENT}/artists",
    opt=needs("events:write"),
    tags=["events"],
    operation_id="setArtists",
    summary="Say who plays",
)
async def set_artists(
    event_id: FromPath[UUID], data: JSONBody[Artists], tx: NamedDependency[TenantTx]
) -> EventView:
    """Replace the list of artists. Each is an account with the role `artist` here."""
    return await views.show_one(tx, await acts.set_artists(tx, event_id, data))


ROUTES: Final = (
    list_events,
    create_event,
    read_event,
    change_event,
    publish_event,
    cancel_event,
    list_artists,
    set_artists,
    *CLASS_ROUTES,
    *VENUE_ROUTES,
)
