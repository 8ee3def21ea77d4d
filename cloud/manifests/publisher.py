"""Publishes an event's manifest: the next version of its list, signed (spec/manifest.md §7).

A version is a step: the changed tickets' new records, applied by the rules that gates apply.
The first one, one that changes very much, and one after the key was withdrawn are built whole
from the tickets' rows, and start the chain of deltas anew.

What can't be signed is left as gates have it, and logged: neither a faulty plan nor a ticket
that breaks the rules keeps the other tickets' news from gates.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from cloud.db.tenancy import TenantTx
from cloud.events.plan import blames
from cloud.events.repository import plan_of
from cloud.keys import keyset
from cloud.keys import repository as key_repository
from cloud.keys.keyring import Keyring
from cloud.keys.model import signing
from cloud.manifests import making, repository
from cloud.manifests.making import Dates, Nonces
from cloud.manifests.model import HEAD_LIFE, MAX_STEP, RENEWAL
from cloud.manifests.repository import Held
from shared.event import Plan
from shared.manifest.chunk import CHUNKS
from shared.manifest.head import HEAD, Head, seal_head
from shared.manifest.table import Table
from shared.signed import Kind, open_signed, signer_kid

LOG = structlog.get_logger("usher.manifests")


class Signer(NamedTuple):
    """The key that signs, and every one that did."""

    secret: bytes
    keys: dict[bytes, bytes]  # public keys by kid
    withdrawn: set[bytes]  # kids of those that vouch for nothing any more


async def publish(tx: TenantTx, keyring: Keyring, event_id: UUID, nonces: Nonces) -> int | None:
    """Sign the next version; None where there is no news, or another worker is at it.

    A transaction of its own: what it takes from the journal is signed, or put back.
    """
    held = await repository.locked(tx, event_id)
    if held is None:
        return None
    changes = await repository.take_changes(tx, event_id)
    if not changes and held.issued_at and tx.now - held.issued_at < RENEWAL:
        return None  # another worker was faster
    signer = await _signer(tx, keyring)
    raw = await repository.head(tx, event_id, held.version)
    previous = None if raw is None else open_signed(Kind.MANIFEST, raw, signer.keys, HEAD)
    plan = await _plan(tx, event_id, previous)
    if plan is None:
        return None
    leads_on = raw is not None and signer_kid(raw) not in signer.withdrawn
    ids = {each for each in changes if each is not None}
    made = None
    if previous is not None and leads_on and len(ids) <= MAX_STEP:
        made = await _step(tx, event_id, previous, ids, plan, _dates(tx.now, held), nonces)
    if made is None:
        made = await _whole(tx, event_id, held, plan, _dates(tx.now, held), nonces.fresh())
    return await _put(tx, event_id, made, signer)


async def _put(tx: TenantTx, event_id: UUID, made: making.Made, signer: Signer) -> int:
    raw = await asyncio.to_thread(seal_head, made.head, signer.secret)
    await repository.put(tx, event_id, made.head.version, raw, made.chunks)
    if made.entry is None:
        await repository.start_chain(tx, event_id)
    else:
        await repository.put_step(tx, event_id, made.entry)
    return made.head.version


async def _step(
    tx: TenantTx,
    event_id: UUID,
    previous: Head,
    ids: set[UUID],
    plan: Plan,
    dates: Dates,
    nonces: Nonces,
) -> making.Made | None:
    rows = await repository.tickets(tx, event_id, ids)
    places = sorted({row.hash[0] for row in rows})
    read = await repository.chunks(tx, event_id, places, previous.version)
    sizes = await repository.lengths(tx, event_id)
    table = making.partial(bytes.fromhex(previous.event), sizes, read)
    return await asyncio.to_thread(making.step, previous, table, rows, plan, dates, nonces)


async def _whole(
    tx: TenantTx, event_id: UUID, held: Held, plan: Plan, dates: Dates, nonce: bytes
) -> making.Made:
    read = await repository.chunks(tx, event_id, range(CHUNKS), held.version)
    old = Table(held.ref, tuple(read[i].records if i in read else b"" for i in range(CHUNKS)))
    whole = making.Whole(old, nonce)
    after: int | None = -1
    while after is not None:
        rows, after = await repository.page(tx, event_id, after)
        await asyncio.to_thread(whole.add, rows)
    return await asyncio.to_thread(whole.made, held.version + 1, plan, dates)


async def _signer(tx: TenantTx, keyring: Keyring) -> Signer:
    if signing(await key_repository.keys(tx, role="manifest"), tx.now) is None:
        await key_repository.lock(tx)
        await keyset.publish(tx, keyring)
    _, secret = await keyring.signer(tx, "manifest")
    every = await key_repository.keys(tx, role="manifest")
    withdrawn = {key.kid for key in every if key.revoked_at is not None}
    return Signer(secret, {key.kid: key.public for key in every}, withdrawn)


async def _plan(tx: TenantTx, event_id: UUID, previous: Head | None) -> Plan | None:
    plan = await plan_of(tx, event_id)
    faults: Sequence[object] = blames(plan)
    if not faults:
        return plan
    LOG.warning("plan_faulty", event_id=str(event_id), faults=len(faults))
    return previous.plan if previous else None


def _dates(now: datetime, held: Held) -> Dates:
    return Dates(
        int(now.timestamp()), int((now + HEAD_LIFE).timestamp()), int(held.ends_at.timestamp())
    )
