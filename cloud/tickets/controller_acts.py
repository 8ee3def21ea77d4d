"""What is done with a ticket over HTTP: a new code, a phone's key, a name, a block, its end."""

from typing import Final
from uuid import UUID

from litestar import Response, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud import unsent
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, fan, needs
from cloud.keys.issuers import Issuers
from cloud.tickets import issuing_again, model, repository, repository_acts
from cloud.tickets.controller_paths import TICKET
from cloud.tickets.controller_told import told
from cloud.tickets.issuing_again import changed, subject
from cloud.tickets.lifecycle import Move
from cloud.tickets.model import Block, Held, Rename, Revoke, Ticket
from cloud.tickets.model_access import judge
from cloud.tickets.model_holder import Binding
from cloud.tickets.moves import move_all

WRITE: Final = "tickets:write"


@post(
    f"{TICKET}/reissue", opt=fan(), status_code=200, tags=["tickets"],
    operation_id="reissueTicket", summary="Give a ticket a new code",
    response_headers=unsent.HEADERS,
)  # fmt: skip
async def reissue(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    issuers: NamedDependency[Issuers],
) -> Response[Ticket]:
    """Sign the ticket anew; the code before is void. Its owner may do so a limited number of
    times and not too often (`reissue_limit`, `reissue_cooldown`), and not once it was used.
    """
    held, own = await _locked(tx, caller, event_id, ticket_id)
    await issuing_again.reissue(tx, issuers, held, own=own, reason="")
    return await _shown(tx, caller, held)


@put(
    f"{TICKET}/holder", opt=fan(), tags=["tickets"], operation_id="bindTicket",
    summary="Bind a ticket to a phone", response_headers=unsent.HEADERS,
)  # fmt: skip
async def bind(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    data: JSONBody[Binding],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    issuers: NamedDependency[Issuers],
) -> Response[Ticket]:
    """Bind the ticket to a phone's key, which proves itself over the ticket's present `gen`.

    It counts as a new code, but for the first binding of a ticket that asks for a live code.
    """
    held, own = await _locked(tx, caller, event_id, ticket_id)
    await issuing_again.bind(tx, issuers, held, data, own=own)
    return await _shown(tx, caller, held)


@patch(
    TICKET, opt=fan(), tags=["tickets"], operation_id="renameTicket", summary="Say who comes",
    response_headers=unsent.HEADERS,
)  # fmt: skip
async def rename(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    data: JSONBody[Rename],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Response[Ticket]:
    """Change the name on a ticket; its owner until doors."""
    held, own = await _locked(tx, caller, event_id, ticket_id)
    if own and (code := model.may_rename(held, tx.now)) is not None:
        raise Refusal(code)
    if held.attendee != data.attendee:
        await repository_acts.rename(tx, held, data.attendee)
        await _told(tx, held, "ticket.renamed")
    return await _shown(tx, caller, held)


@post(
    f"{TICKET}/block", opt=needs(WRITE), status_code=200, tags=["tickets"],
    operation_id="blockTicket", summary="Block a ticket", response_headers=unsent.HEADERS,
)  # fmt: skip
async def block(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    data: JSONBody[Block],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Response[Ticket]:
    """Let gates refuse a ticket until it is unblocked."""
    return await _set_blocked(tx, caller, event_id, ticket_id, data, blocked=True)


@post(
    f"{TICKET}/unblock", opt=needs(WRITE), status_code=200, tags=["tickets"],
    operation_id="unblockTicket", summary="Unblock a ticket", response_headers=unsent.HEADERS,
)  # fmt: skip
async def unblock(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    data: JSONBody[Block],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Response[Ticket]:
    """Let gates admit a blocked ticket again."""
    return await _set_blocked(tx, caller, event_id, ticket_id, data, blocked=False)


@post(
    f"{TICKET}/revoke", opt=needs(WRITE), status_code=200, tags=["tickets"],
    operation_id="revokeTicket", summary="Take a ticket away", response_headers=unsent.HEADERS,
)  # fmt: skip
async def revoke(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    data: JSONBody[Revoke],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Response[Ticket]:
    """Make a ticket void for good. No money goes back: for that, refund its order."""
    held, _ = await _locked(tx, caller, event_id, ticket_id)
    await move_all(tx, event_id, [ticket_id], Move.REVOKE, reason=data.reason)
    await _told(tx, held, "ticket.revoked")
    return await _shown(tx, caller, held)


async def _locked(
    tx: TenantTx, caller: Caller, event_id: UUID, ticket_id: UUID
) -> tuple[Held, bool]:
    """Return a ticket to who may change it, and whether it is their own."""
    held = await repository_acts.lock(tx, event_id, ticket_id)
    own = judge(caller, held and held.account_id, WRITE)
    if held is None:
        raise Refusal("not_found")
    return held, own and not caller.has(WRITE)


async def _set_blocked(
    tx: TenantTx, caller: Caller, event_id: UUID, ticket_id: UUID, why: Block, *, blocked: bool
) -> Response[Ticket]:
    held, _ = await _locked(tx, caller, event_id, ticket_id)
    if held.blocked is not blocked:
        await repository_acts.block(tx, held, blocked=blocked)
        action = "ticket.blocked" if blocked else "ticket.unblocked"
        await tx.audit(action, subject(held), event_id=held.event_id, reason=why.reason)
        await changed(tx, held)
    return await _shown(tx, caller, held)


async def _told(tx: TenantTx, held: Held, action: str) -> None:
    await tx.audit(action, subject(held), event_id=held.event_id)
    await changed(tx, held)


async def _shown(tx: TenantTx, caller: Caller, held: Held) -> Response[Ticket]:
    ticket = await repository.read(tx, held.event_id, held.ticket_id, caller.account)
    if ticket is None:
        raise LookupError("a locked ticket is gone")
    return await told(tx, caller, held.event_id, ticket)


ACT_ROUTES: Final = (reissue, bind, rename, block, unblock, revoke)
