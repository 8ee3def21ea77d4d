"""Offers made, accepted, declined, cancelled. Each is one transaction.

Messages carry ids alone. `transfer.offered` to an address also carries the link's secret,
sealed: a copy of the database takes over no ticket. Whoever mails it opens it by `opened`.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from cloud.accounts import base64url
from cloud.accounts.model import canonical
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.kernel import Sealer
from cloud.keys.issuers import Issuers
from cloud.tickets import repository_acts
from cloud.tickets.issuing_again import hand_over
from cloud.tickets.model_holder import fault
from cloud.transfers import repository
from cloud.transfers.model import (
    PREFIX,
    SECRET_SIZE,
    Acceptance,
    Case,
    Made,
    NewOffer,
    State,
    Transfer,
    is_stale,
    may_accept,
    may_offer,
)
from cloud.transfers.repository import NewTransfer

OFFERED: Final = "transfer.offered"
Random = Callable[[int], bytes]


async def offer(
    tx: TenantTx, sealer: Sealer, account: UUID, event_id: UUID, ticket_id: UUID, new: NewOffer,
    random: Random,
) -> Made:  # fmt: skip
    """Offer one's ticket. One offer of it may be open; a stale one makes room."""
    held = await repository_acts.lock(tx, event_id, ticket_id)
    if held is None or held.account_id != account:
        raise Refusal("not_found")
    if (code := may_offer(held, tx.now)) is not None:
        raise Refusal(code)
    email = canonical(new.email) if new.email else None
    if email is not None and email == (await repository.person(tx, account)).email:
        raise Refusal("transfer_to_self", field="/email")
    before = await repository.open_of(tx, held)
    if before is not None:
        if not is_stale(before, held, tx.now):
            raise Refusal("transfer_open", transfer_id=str(before.transfer_id))
        await _end(tx, before, State.LAPSED)
    secret = PREFIX + base64url.encode(random(SECRET_SIZE))
    expires_at = tx.now + timedelta(seconds=new.expires_in)
    made = await repository.insert(tx, held, NewTransfer(email, hash_of(secret), expires_at))
    more = {"sealed": sealed(sealer, made.transfer_id, secret)} if email else {}
    await _tell(tx, made, OFFERED, **more)
    return Made(made, secret)


async def accept(tx: TenantTx, issuers: Issuers, account: UUID, given: Acceptance) -> Transfer:
    """Take an offered ticket over: it has a new owner, generation and code."""
    found = await by_secret(tx, given.secret)
    held = await repository_acts.lock(tx, found.event_id, found.ticket_id)
    transfer = await repository.lock(tx, found.transfer_id)
    if held is None or transfer is None:
        raise Refusal("not_found")
    person = await repository.person(tx, account)
    if (code := may_accept(Case(transfer, held, person, tx.now))) is not None:
        raise Refusal(code)
    holder = None
    if given.holder is not None:
        if code := fault(given.holder, tx.tenant, held.ticket_id, held.gen, tx.now):
            raise Refusal(code, field="/holder")
        holder = given.holder.key
    await hand_over(tx, issuers, held, account, holder=holder, attendee=given.attendee)
    return await _end(tx, transfer, State.ACCEPTED, account)


async def decline(tx: TenantTx, account: UUID, secret: str) -> Transfer:
    """Turn an offer down."""
    found = await by_secret(tx, secret)
    transfer = await repository.lock(tx, found.transfer_id)
    if transfer is None or transfer.state is not State.OFFERED:
        raise Refusal("transfer_over")
    if tx.now >= transfer.expires_at:
        raise Refusal("transfer_lapsed")
    if account == transfer.sender:
        raise Refusal("transfer_to_self")
    person = await repository.person(tx, account)
    if transfer.email is not None and transfer.email != person.email:
        raise Refusal("transfer_other_address")
    return await _end(tx, transfer, State.DECLINED, account)


async def cancel(tx: TenantTx, account: UUID, transfer_id: UUID) -> Transfer:
    """Take one's offer back. Once more changes nothing."""
    transfer = await repository.lock(tx, transfer_id)
    if transfer is None or transfer.sender != account:
        raise Refusal("not_found")
    if transfer.state is State.CANCELLED:
        return transfer
    if transfer.state is not State.OFFERED:
        raise Refusal("transfer_over", state=transfer.state)
    return await _end(tx, transfer, State.CANCELLED)


async def lapse(tx: TenantTx) -> int:
    """End the offers whose time is over."""
    lapsed = await repository.lapse(tx)
    for each in lapsed:
        await _tell(tx, each, "transfer.lapsed")
    return len(lapsed)


async def by_secret(tx: TenantTx, secret: str) -> Transfer:
    """Return the offer of a secret, or refuse."""
    found = await repository.find(tx, hash_of(secret))
    if found is None:
        raise Refusal("not_found")
    return found


def hash_of(secret: str) -> bytes:
    """Return what is stored of a link's secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def sealed(sealer: Sealer, transfer_id: UUID, secret: str) -> str:
    """Return a secret as the message of its offer carries it."""
    return base64url.encode(sealer.seal(secret.encode(), f"{OFFERED}/{transfer_id}"))


def opened(sealer: Sealer, payload: Mapping[str, Any]) -> str:
    """Return the secret that the message of an offer carries."""
    context = f"{OFFERED}/{payload['transfer_id']}"
    return sealer.unseal(base64url.decode(payload["sealed"]), context).decode()


async def _end(
    tx: TenantTx, transfer: Transfer, state: State, recipient: UUID | None = None
) -> Transfer:
    ended = await repository.end(tx, transfer.transfer_id, state, recipient)
    await _tell(tx, ended, f"transfer.{state.value}")
    return ended


async def _tell(tx: TenantTx, transfer: Transfer, topic: str, **more: str) -> None:
    """Write it down, and tell both."""
    subject = f"transfer:{transfer.transfer_id}"
    ids = {"event_id": transfer.event_id, "ticket_id": transfer.ticket_id}
    await tx.audit(topic, subject, **ids)
    await tx.publish(
        topic, str(transfer.ticket_id), transfer_id=transfer.transfer_id,
        sender=transfer.sender, recipient=transfer.recipient, **ids, **more,
    )  # fmt: skip
