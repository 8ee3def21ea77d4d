"""Logs over HTTP: files taken in, and what a device lacks handed out."""

import re
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, device
from cloud.keys import keyset
from cloud.keys.issuers import Issuers
from cloud.sync import gossip, logs
from shared import wire
from shared.devices.receipt import Receipt, seal_receipt
from shared.errors import Malformed
from shared.log.gossip import Key, Mark

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
OCTETS: Final = "application/octet-stream"
MORE: Final = "Usher-More"
NEXT: Final = "Usher-Next"
PLACE: Final = re.compile(r"([0-9a-f]{32})\.(\d{1,10})\.(\d{1,18})\.([0-9a-f]{32})")
VECTOR: Final = wire.MAX_ENTRIES * wire.ENTRY.size  # bytes
Refs = Annotated[
    str,
    QueryParameter(
        pattern=r"\A[0-9a-f]{16}(,[0-9a-f]{16}){0,255}\Z",
        min_length=16,
        max_length=17 * wire.MAX_EVENTS - 1,
        description="Events' references in hex, with commas between them.",
        examples=[],
    ),
]
Begin = Annotated[
    str,
    QueryParameter(name="from", max_length=95, description="`Usher-Next` of the answer before."),
]


@post(f"{TENANT}/logs",
      opt={**device(revoked_too=True), "body_limit": logs.LARGEST, "takes": (OCTETS, "")},
      status_code=200, media_type=OCTETS, tags=["sync"], operation_id="sendLogFile",
      summary="Send a log file")  # fmt: skip
async def send_file(
    request: Request[Any, Any, Any],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    issuers: NamedDependency[Issuers],
) -> Response[bytes]:
    """Take in a log file with records of any of the tenant's devices (spec/sync.md §4).

    The answer is frames of two parts: a signed receipt, and JSON that says what became of each
    device's records. Safe to repeat, in any order and in any pieces.
    """
    stored = await logs.take(tx, _sender(caller), await request.body())
    await keyset.current(tx, issuers.keyring)
    _, secret = await issuers.keyring.signer(tx, "command")
    at = int(tx.now.timestamp() * 1000)
    receipt = seal_receipt(Receipt(tx.tenant.hex, at, stored.marks), secret)
    body = wire.frames([receipt, msgspec.json.encode(stored.told)])
    return Response(body, media_type=OCTETS)


@post(f"{TENANT}/sync/gossip",
      opt={**device(), "body_limit": VECTOR, "takes": (OCTETS, "")},
      status_code=200, media_type=OCTETS, tags=["sync"], operation_id="gossip",
      summary="Ask for what others wrote",
      response_headers=[
          ResponseHeader(MORE, description="1: there is more.", documentation_only=True),
          ResponseHeader(NEXT, description="`from` of the next request.",
                         documentation_only=True)])  # fmt: skip
async def exchange(
    request: Request[Any, Any, Any],
    tx: NamedDependency[TenantTx],
    events: Refs,
    begin: Begin = "",
) -> Response[bytes]:
    """Take the device's vector; return frames of two parts: the cloud's, and a log file with what
    the device lacks of the logs that touch these events (spec/sync.md §4)."""
    await tx.may_be_lost()
    theirs = _vector(await request.body())
    refs = {bytes.fromhex(ref) for ref in events.split(",")}
    answer = await gossip.answer(tx, refs, theirs, _place(begin))
    headers = {}
    if answer.rest is not None:
        place = answer.rest
        following = f"{place.device.hex()}.{place.incarnation}.{place.seq}.{place.record.hex()}"
        headers = {MORE: "1", NEXT: following}
    body = wire.frames([wire.encode_vector(answer.vector), answer.file])
    return Response(body, media_type=OCTETS, headers=headers)


def _sender(caller: Caller) -> bytes:
    if caller.device is None:
        raise Refusal("device_required")
    return caller.device


def _vector(body: bytes) -> dict[Key, Mark]:
    """Return what a device holds. Places that no honest log comes near are held by nobody."""
    try:
        vector = wire.decode_vector(body)
    except Malformed as error:
        raise Refusal(error.code) from None
    return {key: mark for key, mark in vector.items() if mark.seq < 2**63}


def _place(text: str) -> gossip.Place:
    if not text:
        return gossip.START
    named = PLACE.fullmatch(text)
    if named is None:
        raise Refusal("cursor_malformed", field="from")
    return gossip.Place(
        bytes.fromhex(named[1]), int(named[2]), int(named[3]), bytes.fromhex(named[4])
    )


ROUTES: Final = (send_file, exchange)
