"""What check-ins came to, over HTTP; each head says how old that is (cloud/unsent.py)."""

from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from cloud import unsent
from cloud.checkins import reports
from cloud.checkins.book import ref_of
from cloud.checkins.reports import Entry, Overview, Place
from cloud.checkins.tallies import Counts, Tallies
from cloud.checkins.view import view_of
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.events.repository import is_attached
from cloud.http.access import Caller, fan, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.unsent import Unsent

EVENT: Final = "/v1/tenants/{tenant_id:uuid}/events/{event_id:uuid}"


@get(
    f"{EVENT}/checkins/summary",
    opt=fan(),  # and more: see `_may_read`
    tags=["checkins"],
    operation_id="readCheckinSummary",
    summary="Read who is inside",
    response_headers=unsent.HEADERS,
)
async def summary(
    event_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Response[Overview]:
    """Return what all records of the event mean together: the same in whatever order they came.
    It takes `checkins:read`, or `reports:read`: an artist's own events."""
    await _may_read(tx, event_id, caller)
    ref = await _ref(tx, event_id)
    said = reports.overview((await view_of(tx, ref)).summary(), ref)
    return await unsent.beside(tx, event_id, said)


@get(
    f"{EVENT}/checkins/counts",
    opt=fan(),  # and more: see `_may_read`
    tags=["checkins"],
    operation_id="readCheckinCounts",
    summary="Count an event's check-ins",
    response_headers=unsent.HEADERS,
)
async def read_counts(
    event_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    tallies: NamedDependency[Tallies],
) -> Response[Counts]:
    """Return how many tickets were sold, and how many people entered, are inside, left and were
    refused: in all, by gate, by zone and by minute; and how many records gates still had to send
    when they last reported. It takes `checkins:read`, or `reports:read`:
    an artist's own events."""
    await _may_read(tx, event_id, caller)
    said = await tallies.read(tx, event_id, await _ref(tx, event_id))
    left = Unsent(said.waiting, said.heard_at)
    return Response(said, headers=unsent.headers(left, tx.now))


@get(
    f"{EVENT}/checkins/records",
    opt=needs("checkins:read"),
    tags=["checkins"],
    operation_id="listCheckinRecords",
    summary="List records",
    response_headers=unsent.HEADERS,
)
async def records(
    event_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response[Page[Entry]]:
    """Return the records of the event, device by device, each log in its order."""
    ref = await _ref(tx, event_id)
    after = _after(cursor)
    found = await reports.records(tx, ref, after, limit + 1)
    return await unsent.beside(tx, event_id, page(found, limit, reports.place))


@get(
    f"{EVENT}/tickets/{{ticket_id:uuid}}/history",
    opt=needs("checkins:read"),
    tags=["checkins"],
    operation_id="readScanHistory",
    summary="Read a ticket's scans",
    response_headers=unsent.HEADERS,
)
async def scans(
    event_id: FromPath[UUID], ticket_id: FromPath[UUID], tx: NamedDependency[TenantTx]
) -> Response[list[Entry]]:
    """Return what happened to a ticket at gates and online, by the clocks there."""
    ref = await _ref(tx, event_id)
    found = await reports.scans(tx, event_id, ref, ticket_id)
    if found is None:
        raise Refusal("not_found")
    return await unsent.beside(tx, event_id, found)


async def _may_read(tx: TenantTx, event_id: UUID, caller: Caller) -> None:
    if not caller.has("reports:read"):
        caller.need("checkins:read")
    if caller.role == "artist" and not await is_attached(tx, event_id, caller.account):
        raise Refusal("not_found")


async def _ref(tx: TenantTx, event_id: UUID) -> bytes:
    ref = await ref_of(tx, event_id)
    if ref is None:
        raise Refusal("not_found")
    return ref


def _after(cursor: str) -> Place:
    """Return the place that a cursor names."""
    after = decode(cursor, Place) or reports.START
    try:
        bytes.fromhex(after.device + after.record)
    except ValueError:
        raise Refusal("cursor_malformed", field="cursor") from None
    if not (0 <= after.incarnation < 2**63 and 0 <= after.seq < 2**63):
        raise Refusal("cursor_malformed", field="cursor")
    return after


ROUTES: Final = (summary, read_counts, records, scans)
