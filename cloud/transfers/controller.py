"""Transfers over HTTP. A link's secret is sent in bodies alone: addresses end up in logs."""

import secrets
from typing import Annotated, Final
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, anyone, fan
from cloud.http.kernel import Kernel
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.keys.issuers import Issuers
from cloud.tickets.controller_paths import TENANT, TICKET
from cloud.transfers import acts, repository
from cloud.transfers.model import Acceptance, Made, NewOffer, Offer, Shown, Transfer
from cloud.transfers.repository import Direction, Place

TRANSFERS: Final = f"{TENANT}/transfers"
TRANSFER: Final = f"{TRANSFERS}/{{transfer_id:uuid}}"
Way = Annotated[
    Direction,
    QueryParameter(description="`received`: accepted, declined, or offered to one's address."),
]


@post(
    f"{TICKET}/transfers", opt=fan(), tags=["transfers"], operation_id="offerTicket",
    summary="Offer a ticket",
)  # fmt: skip
async def offer(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    data: JSONBody[NewOffer],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    kernel: NamedDependency[Kernel],
) -> Made:
    """Offer one's ticket to whoever has the link, or to one address. The code goes on admitting
    until the offer is accepted.

    Refused with `transfer_open` while another offer of it is open, with `transfer_to_self` to
    one's own address, and with `transfer_frozen`, `transfer_off`, `ticket_used`, `ticket_listed`,
    `ticket_blocked`, `ticket_not_valid`.
    """
    account = caller.own()
    random = secrets.token_bytes
    return await acts.offer(tx, kernel.sealer, account, event_id, ticket_id, data, random)


@get(
    TRANSFERS, opt=fan(), tags=["transfers"], operation_id="listTransfers",
    summary="List one's transfers",
)  # fmt: skip
async def list_transfers(
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    direction: Way = "sent",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[Transfer]:
    """Return what the caller has offered or received, the newest first."""
    account, before = caller.own(), decode(cursor, Place)
    if direction == "sent":
        rows = await repository.sent(tx, account, before, limit + 1)
    else:
        person = await repository.person(tx, account)
        rows = await repository.received(tx, person, before, limit + 1)
    return page(rows, limit, lambda each: Place(each.created_at, each.transfer_id))


@get(
    TRANSFER, opt=fan(), tags=["transfers"], operation_id="readTransfer",
    summary="Read a transfer",
)  # fmt: skip
async def read(
    transfer_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> Transfer:
    """Return a transfer to its sender, its recipient, or who may read tickets."""
    transfer = await repository.read(tx, transfer_id)
    both = (transfer.sender, transfer.recipient) if transfer else ()
    if caller.account is None or caller.account not in both:
        caller.need("tickets:read")
    if transfer is None:
        raise Refusal("not_found")
    return transfer


@delete(
    TRANSFER, opt=fan(), status_code=200, tags=["transfers"], operation_id="cancelTransfer",
    summary="Take an offer back",
)  # fmt: skip
async def cancel(
    transfer_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> Transfer:
    """Cancel one's open offer. Refused with `transfer_over` once it was accepted."""
    return await acts.cancel(tx, caller.own(), transfer_id)


@post(
    f"{TRANSFERS}/look", opt=anyone(), status_code=200, tags=["transfers"],
    operation_id="lookAtOffer", summary="Look at an offer",
)  # fmt: skip
async def look(data: JSONBody[Shown], tx: NamedDependency[TenantTx]) -> Offer:
    """Return what a link offers, to whoever has it."""
    found = await repository.show(tx, acts.hash_of(data.secret))
    if found is None:
        raise Refusal("not_found")
    return found


@post(
    f"{TRANSFERS}/accept", opt=fan(), status_code=200, tags=["transfers"],
    operation_id="acceptOffer", summary="Accept an offer",
)  # fmt: skip
async def accept(
    data: JSONBody[Acceptance],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    issuers: NamedDependency[Issuers],
) -> Transfer:
    """Take the ticket over. Its code before is void at once; the new one is the caller's, bound
    to the phone whose key comes with it.

    Refused with `transfer_over`, `transfer_lapsed`, `transfer_void`, `transfer_other_address`,
    `transfer_to_self`, and as offering is.
    """
    return await acts.accept(tx, issuers, caller.own(), data)


@post(
    f"{TRANSFERS}/decline", opt=fan(), status_code=200, tags=["transfers"],
    operation_id="declineOffer", summary="Decline an offer",
)  # fmt: skip
async def decline(
    data: JSONBody[Shown], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> Transfer:
    """Turn an offer down, for good."""
    return await acts.decline(tx, caller.own(), data.secret)


ROUTES: Final = (offer, list_transfers, read, cancel, look, accept, decline)
