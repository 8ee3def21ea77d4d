"""What anybody may read: a ticket's page, its metadata, its event's. No personal data is in it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from cloud.errors import Refusal
from cloud.http.health import HIDDEN
from cloud.ledger.web import page, picture_rows, reading
from cloud.ledger.web.showing import Showing
from cloud.ledger.work import event_rows
from cloud.ledger.work.naming import SYMBOL, image_of, metadata_of, ref_of, shown_as

FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_NOW: Final = "public, max-age=300"
# An organizer's file: whatever a browser takes it for, it is nobody here. Others show it.
PICTURE: Final = {
    "cache-control": FOR_EVER,
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
}


@get("/a/{ref:str}", opt=HIDDEN, include_in_schema=False)
async def asset_page(
    ref: FromPath[str],
    request: Request[Any, Any, Any],
    ledger_showing: NamedDependency[Showing],
    page_files: NamedDependency[Any],
) -> Response[Any]:
    """Show what can be proved of a ticket's asset."""
    tenant, event_id, ticket_id = await _named(ledger_showing, ref)
    async with ledger_showing.tx(tenant) as tx:
        row = await reading.asset_row(tx, event_id, ticket_id)
        if row is None or row["ref"] is None:
            raise Refusal("not_found")
        history = await reading.steps(tx, event_id, row)
    told = page.told(row, await ledger_showing.report(row), history)
    if request.accept.best_match(["text/html", "application/json"]) == "application/json":
        return Response(told, headers={"vary": "accept", "cache-control": "no-store"})
    return page.response(page.asset(page_files.base, told, explorer=ledger_showing.explorer))


@get("/a/{ref:str}/{gen:int}", opt=HIDDEN, include_in_schema=False)
async def asset_metadata(
    ref: FromPath[str], gen: FromPath[int], ledger_showing: NamedDependency[Showing]
) -> Response[bytes]:
    """Tell a ticket's metadata, of one generation: once there is an asset, it never changes. A mint
    that never lands is signed anew, perhaps after the event has another name."""
    tenant, event_id, ticket_id = await _named(ledger_showing, ref)
    async with ledger_showing.tx(tenant) as tx:
        row = await reading.text(tx, event_id, ticket_id)
    if row is None or not row["gen"] <= gen <= row["newest"]:
        raise Refusal("not_found")
    kept = FOR_EVER if row["minted"] else FOR_NOW
    return _json(metadata_of(row["body"], row["ref"], row["number"], gen), kept)


@get("/a/events/{owner:uuid}/{event_id:uuid}", opt=HIDDEN, include_in_schema=False)
async def collection_metadata(
    owner: FromPath[UUID], event_id: FromPath[UUID], ledger_showing: NamedDependency[Showing]
) -> Response[bytes]:
    """Tell the metadata of an event's collection."""
    async with ledger_showing.tx(owner) as tx:
        about = await event_rows.read(tx, event_id)
    if about is None or about.draft:
        raise Refusal("not_found")
    image = {} if about.image is None else shown_as(ledger_showing.base + about.image)
    said = f"Tickets for {about.name} at {about.venue}."
    return _json({"name": about.name, "symbol": SYMBOL, "description": said, **image}, FOR_NOW)


@get("/a/events/{owner:uuid}/{event_id:uuid}/{name:str}", opt=HIDDEN, include_in_schema=False)
async def collection_image(
    owner: FromPath[UUID],
    event_id: FromPath[UUID],
    name: FromPath[str],
    ledger_showing: NamedDependency[Showing],
) -> Response[bytes]:
    """Show a picture that an event's collection has or had: what its name is the hash of."""
    image, media_type = image_of(name) or (b"", "")
    async with ledger_showing.tx(owner) as tx:
        row = await picture_rows.read(tx, event_id, image)
    if row is None or row["media_type"] != media_type:
        raise Refusal("not_found")
    return Response(row["body"], media_type=media_type, headers=PICTURE)


async def _named(showing: Showing, told: str) -> tuple[UUID, UUID, UUID]:
    ref = ref_of(told)
    found = None if ref is None else await showing.named(ref)
    if found is None:
        raise Refusal("not_found")
    return found


def _json(told: Mapping[str, Any], kept: str) -> Response[bytes]:
    headers = {"cache-control": kept, "access-control-allow-origin": "*"}
    return Response(msgspec.json.encode(told), media_type="application/json", headers=headers)


ROUTES: Final = (asset_page, asset_metadata, collection_metadata, collection_image)
