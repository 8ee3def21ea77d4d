"""Search lists over HTTP, for a tenant's devices. Only badges open what is in them."""

from typing import Annotated, Final

from litestar import Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import device
from cloud.search import repository
from cloud.search.model import MOST_WANTED
from cloud.search.repository import Published
from shared.wire import frames

LIST: Final = "/v1/tenants/{tenant_id:uuid}/sync/events/{ref:str}/search"
OCTETS: Final = "application/octet-stream"
VERSION: Final = "Usher-Search-Version"
Ref = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{16}\Z", min_length=16, max_length=16,
        description="The event's reference, in hex.",
    ),
]  # fmt: skip
Want = Annotated[
    str,
    QueryParameter(
        pattern=rf"\A[0-9]{{1,3}}(,[0-9]{{1,3}}){{0,{MOST_WANTED - 1}}}\Z",
        description=f"Places of parts, at most {MOST_WANTED}, by commas.",
    ),
]


@get(LIST, opt=device(), media_type=OCTETS, tags=["sync"],
     operation_id="readSearchHead", summary="Read the head of an event's search list",
     response_headers=[ResponseHeader(VERSION, description="Its version.",
                                      documentation_only=True)])  # fmt: skip
async def read_head(tx: NamedDependency[TenantTx], ref: Ref) -> Response[bytes]:
    """Return the newest head, as signed."""
    published = await _find(tx, ref)
    return Response(published.raw, media_type=OCTETS, headers={VERSION: str(published.version)})


@get(f"{LIST}/parts", opt=device(), media_type=OCTETS, tags=["sync"],
     operation_id="readSearchParts", summary="Read parts of an event's search list",
     response_headers=[ResponseHeader(VERSION, description="The newest.",
                                      documentation_only=True)])  # fmt: skip
async def read_parts(tx: NamedDependency[TenantTx], ref: Ref, want: Want) -> Response[bytes]:
    """Return parts of the newest list as frames, in the order asked for.

    A place that the newest list hasn't is an empty frame; one that was written again since has
    another hash. In both cases take the newest head, and ask for what is still missing.
    """
    published = await _find(tx, ref)
    places = [int(place) for place in want.split(",")]
    held = await repository.wanted(tx, published, places)
    body = frames(held.get(place, b"") for place in places)
    return Response(body, media_type=OCTETS, headers={VERSION: str(published.version)})


async def _find(tx: TenantTx, ref: str) -> Published:
    published = await repository.find(tx, bytes.fromhex(ref))
    if published is None:
        raise Refusal("not_found")
    return published


ROUTES: Final = (read_head, read_parts)
