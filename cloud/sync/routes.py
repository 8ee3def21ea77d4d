"""The state of what is newest over HTTP, once or as a stream of events."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream

from cloud.db.tenancy import TenantTx
from cloud.http.access import Caller, device
from cloud.http.dependencies import entered_before_streaming
from cloud.http.kernel import Kernel
from cloud.keys import keyset
from cloud.keys.issuers import Issuers
from cloud.sync import state
from cloud.sync.hub import Hub
from cloud.sync.reading import Reading
from shared.devices.command import seal_stamp
from shared.wire import SyncState

SYNC: Final = "/v1/tenants/{tenant_id:uuid}/sync"
NONCE: Final = re.compile(r"Usher1 [0-9a-f]{32}\.[0-9]+\.([0-9a-f]{32})\.")
STAMP: Final = "Usher-Stamp"
BEAT: Final = 10.0  # seconds between two signs of life
LONGEST: Final = 600.0  # seconds of a stream


@get(SYNC, opt=device(revoked_too=True), tags=["sync"], operation_id="readSyncState",
     summary="Read what is newest",
     response_headers=[ResponseHeader(STAMP, description="The time, signed for this request.",
                                      documentation_only=True)])  # fmt: skip
async def read_state(
    request: Request[Any, Any, Any],
    tx: NamedDependency[TenantTx],
    issuers: NamedDependency[Issuers],
    caller: NamedDependency[Caller],
) -> Response[SyncState]:
    """Return the newest versions, and the time."""
    await keyset.current(tx, issuers.keyring)
    _, secret = await issuers.keyring.signer(tx, "command")
    found = NONCE.match(request.headers.get("authorization", ""))
    nonce = bytes.fromhex(found[1]) if found else bytes(16)
    said = await state.read(tx, caller.device or b"")
    return Response(said, headers={STAMP: seal_stamp(said.at, secret, nonce).hex()})


@get(
    f"{SYNC}/stream",
    opt={**device(), "streams": True},
    tags=["sync"],
    operation_id="followSyncState",
    summary="Follow what is newest",
    responses={
        200: ResponseSpec(
            str,
            generate_examples=False,
            media_type="text/event-stream",
            description="`event: state`.",
        ),
    },
)
async def follow_state(
    tenant_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    kernel: NamedDependency[Kernel],
    hub: NamedDependency[Hub],
    reading: NamedDependency[Reading],
) -> Stream:
    """Send the state at once, at every change, and a comment every ten seconds.

    Another stream of the same device ends this one, and so does its revocation.
    """
    async with entered_before_streaming(request, kernel, tenant_id) as (_, caller):
        follower = caller.device or b""
    return Stream(
        _events(hub, reading, tenant_id, follower),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    hub: Hub, reading: Reading, tenant: UUID, device_id: bytes
) -> AsyncIterator[bytes]:
    end = time.monotonic() + LONGEST
    async with hub.stream(tenant, device_id) as mine:
        mine.news.set()
        while not mine.over and time.monotonic() < end:
            try:
                await asyncio.wait_for(mine.news.wait(), BEAT)
            except TimeoutError:
                yield b": \n\n"
                continue
            if mine.over:
                return
            mine.news.clear()
            if (said := (await reading.newest(tenant)).of(device_id)) is None:
                return
            yield b"event: state\ndata: " + msgspec.json.encode(said) + b"\n\n"


ROUTES: Final = (read_state, follow_state)
