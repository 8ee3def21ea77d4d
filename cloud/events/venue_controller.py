"""Venues over HTTP."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.events import venue_acts, venue_repository
from cloud.events.fields import Name
from cloud.events.model import Versioned
from cloud.events.venue_model import Layout, NewVenue, Venue, VenueEdit, VenueRow
from cloud.http.access import needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page

VENUES: Final = "/v1/tenants/{tenant_id:uuid}/venues"
VENUE: Final = f"{VENUES}/{{venue_id:uuid}}"


@get(
    VENUES,
    opt=needs("events:read"),
    tags=["venues"],
    operation_id="listVenues",
    summary="List venues",
)
async def list_venues(
    tx: NamedDependency[TenantTx],
    archived: Annotated[bool, QueryParameter(description="Also those out of use.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[VenueRow]:
    """Return venues by name, without their zones and gates."""
    after = decode(cursor, tuple[Name, UUID])
    rows = await venue_repository.list_venues(tx, after, limit + 1, archived=archived)
    return page(rows, limit, lambda venue: (venue.name, venue.venue_id))


@post(
    VENUES,
    opt=needs("events:write"),
    tags=["venues"],
    operation_id="createVenue",
    summary="Make a venue",
)
async def create_venue(data: JSONBody[NewVenue], tx: NamedDependency[TenantTx]) -> Venue:
    """Make a venue with its zones and gates."""
    return await venue_acts.create(tx, data)


@get(
    VENUE,
    opt=needs("events:read"),
    tags=["venues"],
    operation_id="readVenue",
    summary="Read a venue",
)
async def read_venue(venue_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> Venue:
    """Return a venue with its zones and gates."""
    return await venue_acts.whole(tx, await venue_repository.venue_row(tx, venue_id))


@patch(
    VENUE,
    opt=needs("events:write"),
    tags=["venues"],
    operation_id="changeVenue",
    summary="Change a venue",
)
async def change_venue(
    venue_id: FromPath[UUID], data: JSONBody[VenueEdit], tx: NamedDependency[TenantTx]
) -> Venue:
    """Change what is named, from the version that you saw."""
    return await venue_acts.edit(tx, venue_id, data)


@put(
    f"{VENUE}/layout",
    opt=needs("events:write"),
    tags=["venues"],
    operation_id="setLayout",
    summary="Set zones and gates",
)
async def set_layout(
    venue_id: FromPath[UUID], data: JSONBody[Layout], tx: NamedDependency[TenantTx]
) -> Venue:
    """Replace all zones and gates. What a published event uses can't be left out."""
    return await venue_acts.set_layout(tx, venue_id, data)


@post(
    f"{VENUE}/archive",
    opt=needs("events:write"),
    status_code=200,
    tags=["venues"],
    operation_id="archiveVenue",
    summary="Archive a venue",
)
async def archive_venue(
    venue_id: FromPath[UUID], data: JSONBody[Versioned], tx: NamedDependency[TenantTx]
) -> Venue:
    """Take a venue out of use, when no event to come is there."""
    return await venue_acts.archive(tx, venue_id, data.version)


VENUE_ROUTES: Final = (
    list_venues,
    create_venue,
    read_venue,
    change_venue,
    set_layout,
    archive_venue,
)
