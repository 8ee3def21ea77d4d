"""Incidents over HTTP: for whoever settles them, and as a feed for devices."""

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from cloud import unsent
from cloud.checkins.book import ref_of
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, device, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.incidents import reading, repository
from cloud.incidents.model import KINDS
from cloud.incidents.reading import Asked
from cloud.incidents.shapes import Decision, IncidentDetail, IncidentOut
from shared.wire import frames

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
OCTETS: Final = "application/octet-stream"
MORE: Final = "Usher-More"
NEWEST: Final = 2**53
IncidentId = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{32}\Z", min_length=32, max_length=32, description="32 hex digits."
    ),
]
OfKind = Annotated[
    str, QueryParameter(name="kind", max_length=32, description=f"One of {', '.join(KINDS)}.")
]
OfState = Annotated[
    Literal["", "open", "explained", "confirmed", "resolved"],
    QueryParameter(
        name="state", description="`open`: to be settled still. `resolved`: gone by itself."
    ),
]
OfEvent = Annotated[
    UUID | None,
    QueryParameter(name="event_id", description="And of the logs that have records of it."),
]


@get(f"{TENANT}/incidents", opt=needs("checkins:read"), tags=["incidents"],
     operation_id="listIncidents", summary="List incidents",
     response_headers=unsent.HEADERS)  # fmt: skip
async def list_incidents(
    tx: NamedDependency[TenantTx],
    kind: OfKind = "",
    standing: OfState = "",
    event_id: OfEvent = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response[Page[IncidentOut]]:
    """Return what a person must settle or has settled, what changed last first."""
    ref = None if event_id is None else await ref_of(tx, event_id)
    if event_id is not None and ref is None:
        raise Refusal("not_found")
    before = decode(cursor, int)
    asked = Asked(kind, standing, ref)
    found = await reading.some(tx, asked, NEWEST if before is None else before, limit + 1)
    kept = page(found, limit, lambda each: each.number)
    said = Page([each.incident for each in kept.items], kept.next)
    return await unsent.beside(tx, event_id, said)


@get(f"{TENANT}/incidents/{{incident_id:str}}", opt=needs("checkins:read"), tags=["incidents"],
     operation_id="readIncident", summary="Read an incident",
     response_headers=unsent.HEADERS)  # fmt: skip
async def read_incident(
    incident_id: IncidentId, tx: NamedDependency[TenantTx]
) -> Response[IncidentDetail]:
    """Return an incident with the records that show it: by which device, at which gate, when by
    its clock, when received, and whether each is signed by itself."""
    found = await _found(tx, incident_id)
    return await unsent.beside(tx, found.event_id, found)


@post(f"{TENANT}/incidents/{{incident_id:str}}/decide", opt=needs("tickets:write"),
      status_code=200, tags=["incidents"], operation_id="decideIncident",
      summary="Settle an incident", response_headers=unsent.HEADERS)  # fmt: skip
async def decide_incident(
    incident_id: IncidentId, data: JSONBody[Decision], tx: NamedDependency[TenantTx]
) -> Response[IncidentDetail]:
    """Write down what somebody found out. Devices are told of the state, and of no note."""
    name = bytes.fromhex(incident_id)
    if not await repository.decide(tx, name, data.state, data.note):
        raise Refusal("not_found")
    await tx.audit("incident.decided", f"incident:{incident_id}", state=data.state)
    found = await _found(tx, incident_id)
    return await unsent.beside(tx, found.event_id, found)


@get(f"{TENANT}/sync/incidents", opt=device(), media_type=OCTETS, tags=["sync"],
     operation_id="readIncidentNotes", summary="Hear of incidents",
     response_headers=[ResponseHeader(MORE, description="1: there are more.",
                                      documentation_only=True)])  # fmt: skip
async def read_notes(
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    after: Annotated[
        int, QueryParameter(ge=0, le=2**53 - 1, description="The last number that is known.")
    ] = 0,
) -> Response[bytes]:
    """Return frames of notes with higher numbers, as JSON, of the incidents that concern the
    calling device: those that its own records belong to (spec/sync.md §7)."""
    if caller.device is None:
        raise Refusal("device_required")
    await tx.may_be_lost()
    notes, more = await reading.notes(tx, caller.device, after)
    body = frames(map(msgspec.json.encode, notes))
    return Response(body, media_type=OCTETS, headers={MORE: "1"} if more else {})


async def _found(tx: TenantTx, incident_id: str) -> IncidentDetail:
    found = await reading.one(tx, bytes.fromhex(incident_id))
    if found is None:
        raise Refusal("not_found")
    return found


ROUTES: Final = (list_incidents, read_incident, decide_incident, read_notes)
