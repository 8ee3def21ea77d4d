"""Manifests over HTTP, for a tenant's devices."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.response import Stream

from cloud.db.tenancy import TenantTx
from cloud.http.access import device
from cloud.http.dependencies import entered_before_streaming
from cloud.http.kernel import Kernel
from cloud.manifests import handing

EVENT: Final = "/v1/tenants/{tenant_id:uuid}/sync/events/{ref:str}"
OCTETS: Final = "application/octet-stream"
MOST: Final = 2**32 - 1
VERSION: Final = "Usher-Manifest-Version"
BASE: Final = "Usher-Base"
Ref = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{16}\Z", min_length=16, max_length=16,
        description="The event's reference, in hex.",
    ),
]  # fmt: skip
Version = Annotated[int, QueryParameter(ge=1, le=MOST, description="Of the head that is held.")]
Want = Annotated[
    str,
    QueryParameter(
        pattern=r"\A[0-9a-f]{64}\Z", min_length=64, max_length=64,
        description="256 bits in hex: bit i, the most significant first, is chunk i.",
    ),
]  # fmt: skip


@get(f"{EVENT}/head", opt=device(), media_type=OCTETS, tags=["sync"],
     operation_id="readManifestHead", summary="Read an event's signed head",
     response_headers=[ResponseHeader(VERSION, description="Its version.",
                                      documentation_only=True)])  # fmt: skip
async def read_head(tx: NamedDependency[TenantTx], ref: Ref) -> Response[bytes]:
    """Return the newest head, as signed."""
    published = await handing.find(tx, bytes.fromhex(ref))
    return Response(published.raw, media_type=OCTETS, headers={VERSION: str(published.version)})


@get(
    f"{EVENT}/chunks",
    opt={**device(), "streams": True},
    tags=["sync"],
    operation_id="readManifestChunks",
    summary="Read chunks of an event's list",
    responses={
        200: ResponseSpec(
            bytes,
            generate_examples=False,
            media_type=OCTETS,
            description="Frames (spec/manifest.md §6).",
        )
    },
)
async def read_chunks(
    tenant_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    kernel: NamedDependency[Kernel],
    ref: Ref,
    version: Version,
    want: Want,
    names: Annotated[bool, QueryParameter(description="Names as well.")] = False,
) -> Stream:
    """Return chunks as frames, each followed by that of its names where they are wanted.

    Compressed by zstd where the request accepts it. A chunk that has changed since `version` is
    left out: take the newest head, and ask for what is still missing.
    """
    async with entered_before_streaming(request, kernel, tenant_id) as (tx, _):
        asked = await handing.wanted(tx, bytes.fromhex(ref), version, want, names=names)
        origin = tx.origin
    compressed = "zstd" in request.headers.get("accept-encoding", "")
    headers = {"Vary": "Accept-Encoding"}
    if compressed:
        headers["Content-Encoding"] = "zstd"
    return Stream(
        handing.pieces(kernel, tenant_id, origin, asked, compressed=compressed),
        media_type=OCTETS,
        headers=headers,
    )


@get(f"{EVENT}/delta", opt=device(), media_type=OCTETS, tags=["sync"],
     operation_id="readManifestDelta", summary="Read what changed in an event's list",
     response_headers=[
         ResponseHeader(VERSION, description="The newest.", documentation_only=True),
         ResponseHeader(BASE, description="The version whose head is the dictionary.",
                        documentation_only=True)])  # fmt: skip
async def read_delta(
    tx: NamedDependency[TenantTx],
    ref: Ref,
    since: Annotated[
        int, QueryParameter(name="from", ge=1, le=MOST, description="The version that is held.")
    ],
) -> Response[bytes]:
    """Return the newest head and the log that leads to it, as one zstd frame.

    With `Usher-Base` the frame's dictionary is the raw head of that version.
    """
    changes = await handing.changes(tx, bytes.fromhex(ref), since)
    headers = {VERSION: str(changes.version)}
    if changes.base is not None:
        headers[BASE] = str(changes.base)
    return Response(changes.body, media_type=OCTETS, headers=headers)


ROUTES: Final = (read_head, read_chunks, read_delta)
