"""A ticket's next code: a reissue, another phone, another owner. The code before it dies."""

from typing import Final
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.keys.issuers import Issuers
from cloud.tickets import model, repository_acts
from cloud.tickets.issuing_rows import keep_keys
from cloud.tickets.lifecycle import Move, target
from cloud.tickets.model import Held
from cloud.tickets.model_holder import Binding, fault
from cloud.tickets.moves import name_move
from cloud.tickets.repository_acts import Renewed
from cloud.tickets.signing import Unsigned, tokens

CHANGED: Final = "ticket.changed"  # what manifests are made from has another value now


async def reissue(tx: TenantTx, issuers: Issuers, held: Held, *, own: bool, reason: str) -> None:
    """Give a ticket, which is locked, a new code; its owner not too often."""
    await check(tx, held, own=own)
    await renew(tx, issuers, held, Move.REISSUE, reason=reason)
    await tx.audit("ticket.reissued", subject(held), event_id=held.event_id, gen=held.gen + 1)


async def bind(tx: TenantTx, issuers: Issuers, held: Held, binding: Binding, *, own: bool) -> None:
    """Bind a ticket, which is locked, to a phone's key. The same key again changes nothing.

    The first binding of a live ticket replaces no code: it raises no generation and counts
    against no limit.
    """
    if (code := fault(binding, tx.tenant, held.ticket_id, held.gen, tx.now)) is not None:
        raise Refusal(code)
    if held.holder == binding.key:
        return
    if model.is_first_binding(held):
        if (code := model.unfit(held)) is not None:
            raise Refusal(code)
        await _write(tx, issuers, held, held.gen, binding.key, held.account_id, held.attendee)
    else:
        await check(tx, held, own=own)
        await renew(tx, issuers, held, Move.REISSUE, holder=binding.key, reason="holder key")
    await tx.audit("ticket.bound", subject(held), event_id=held.event_id)


async def check(tx: TenantTx, held: Held, *, own: bool) -> None:
    """Refuse a new code that may not be had now."""
    if not own:
        if (code := model.may_reissue_for(held)) is not None:
            raise Refusal(code)
        return
    objection = model.may_reissue(held, await repository_acts.past(tx, held), tx.now)
    if objection is not None:
        if objection.wait:
            raise Refusal(objection.code, retry_after=objection.wait)
        raise Refusal(objection.code)


async def renew(
    tx: TenantTx, issuers: Issuers, held: Held, by: Move, *, holder: bytes | None = None,
    reason: str = "",
) -> None:  # fmt: skip
    """Make the move `by`, of the same owner; `holder`: another phone's key."""
    await name_move(tx, by, reason)
    key = holder or held.holder
    gen = held.gen + target(by).gen
    await _write(tx, issuers, held, gen, key, held.account_id, held.attendee)


async def hand_over(
    tx: TenantTx, issuers: Issuers, held: Held, account: UUID, *, holder: bytes | None,
    attendee: str | None,
) -> None:  # fmt: skip
    """Make the move TRANSFER: another owner, another phone or none, another code."""
    await repository_acts.forget_answers(tx, held)
    await name_move(tx, Move.TRANSFER)
    gen = held.gen + target(Move.TRANSFER).gen
    without_address = held._replace(email=None)
    await _write(tx, issuers, without_address, gen, holder, account, attendee)


def subject(held: Held) -> str:
    """Return a ticket as the audit names it."""
    return f"ticket:{held.ticket_id}"


async def changed(tx: TenantTx, held: Held) -> None:
    """Tell that a gate's list of this event's tickets is out of date."""
    await tx.publish(CHANGED, str(held.ticket_id), event_id=held.event_id, ticket_id=held.ticket_id)


async def _write(
    tx: TenantTx, issuers: Issuers, held: Held, gen: int, holder: bytes | None,
    account: UUID | None, attendee: str | None,
) -> None:  # fmt: skip
    await keep_keys(tx, held.event_id)
    issuer = await issuers.of(tx, held.event_id)
    unsigned = Unsigned(held.ticket_id, gen, held.class_index, holder, held.live)
    (token,) = tokens(issuer, [unsigned])
    kid = issuer.kid if token is not None else None
    own_gen = None if account == held.account_id else gen
    new = Renewed(gen, own_gen, holder, token, kid, account, attendee, held.email)
    await repository_acts.renew(tx, held, new)
    await changed(tx, held)
