"""Publishes an event's search list: the next version, signed by a manifest key.

A change is a part of its own behind the others, under the same series. A new series, with a new
key and all parts anew, begins whenever the badges are others than those that it is sealed to,
when its key does not open, when more than half has changed, and a day after it began, so that a
name that was taken back is gone from every part.
"""

import asyncio
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from cloud.db.tenancy import TenantTx
from cloud.keys import keyset
from cloud.keys import repository as key_repository
from cloud.keys.keyring import Keyring
from cloud.keys.model import KeyRow, signing
from cloud.keys.sealing import SealBroken, Sealer
from cloud.search import making, repository
from cloud.search.making import Part, Whole
from cloud.search.model import SERIES_LIFE, is_worn, rewritten
from cloud.search.repository import Held
from shared import hashing
from shared.errors import UsherError
from shared.manifest.search import SEARCH_HEAD, SearchHead
from shared.manifest.search_keys import Series
from shared.signed import Kind, open_signed, seal

LOG = structlog.get_logger("usher.search")
NO_PARTS: Final[list[Part]] = []


class Keys(NamedTuple):
    """What signs, and what keeps a series' key."""

    keyring: Keyring
    sealer: Sealer


class Signer(NamedTuple):
    """The key that signs now; whether the one that signed before was withdrawn."""

    public: bytes
    secret: bytes
    withdrawn: bool


async def publish(tx: TenantTx, keys: Keys, event_id: UUID) -> int | None:
    """Sign the next version; None where there is no news, or another worker is at it.

    A transaction of its own: what it takes from the journal is signed, or put back.
    """
    held = await repository.locked(tx, event_id)
    if held is None:
        return None
    ids = await repository.take_changes(tx, event_id)
    badges = await repository.badges(tx)
    if not badges:  # nobody could read it
        if held.series is None:
            return None
        ids = set()
    signer = await _signer(tx, keys.keyring, held.signer)
    if held.badges == badges and (series := _series(tx, keys.sealer, event_id, held)) is not None:
        if not (ids or signer.withdrawn or _is_old(tx, held)):
            return None  # another worker was faster
        if version := await _step(tx, event_id, held, series, ids, signer):
            return version
    return await _anew(tx, event_id, held, badges, keys.sealer, signer)


async def _step(
    tx: TenantTx, event_id: UUID, held: Held, series: Series, ids: set[UUID], signer: Signer
) -> int | None:
    """Publish some changes as a part; None where the list is better begun anew."""
    head = _opened(held)
    sizes = await repository.sizes(tx, event_id, series.number)
    if head is None or _is_old(tx, held) or is_worn([*sizes, len(ids)], held.base):
        return None
    first, parts = len(sizes), NO_PARTS
    if ids:
        first = rewritten(sizes, held.base, len(ids))
        swallowed = await repository.parts_from(tx, event_id, series.number, first)
        tickets = await repository.tickets(tx, event_id, ids)
        try:
            parts = await asyncio.to_thread(making.changed, series, first, swallowed, tickets)
        except UsherError as error:
            LOG.error("search_part_broken", event_id=str(event_id), fault=error.code)
            return None
        if is_worn([*sizes[:first], *(part.words for part in parts)], held.base):
            return None
    head = making.next_head(head, held.version + 1, first, parts)
    await repository.cut(tx, event_id, series.number, first)
    await repository.add_parts(tx, event_id, series.number, parts)
    return await _put(tx, event_id, held, head, signer)


async def _anew(
    tx: TenantTx, event_id: UUID, held: Held, badges: list[bytes], sealer: Sealer, signer: Signer
) -> int:
    """Publish the whole list under a new key. Without badges it is empty: nobody could read it."""
    series = making.new_series(held.ref)
    whole = Whole(series)
    after: int | None = -1 if badges else None
    while after is not None:
        tickets, after = await repository.page(tx, event_id, after)
        parts = await asyncio.to_thread(whole.add, tickets)
        await repository.add_parts(tx, event_id, series.number, parts)
    await repository.add_parts(tx, event_id, series.number, whole.end())
    await repository.cut(tx, event_id, series.number, len(whole.digests))
    context = _context(tx, event_id, series.number)
    begun = held._replace(
        badges=badges,
        series=series.number,
        key=await asyncio.to_thread(sealer.seal, series.key, context),
        began_at=tx.now,
        base=len(whole.digests),
    )
    head = making.first_head(series, held.version + 1, whole.digests, badges)
    return await _put(tx, event_id, begun, head, signer)


async def _put(tx: TenantTx, event_id: UUID, held: Held, head: SearchHead, signer: Signer) -> int:
    raw = await asyncio.to_thread(seal, Kind.SEARCH, head, signer.secret)
    said = held._replace(version=head.version, parts=len(head.parts), raw=raw, signer=signer.public)
    await repository.put(tx, event_id, said)
    return head.version


def _is_old(tx: TenantTx, held: Held) -> bool:
    """Whether an older part may still have a name that was taken back long ago."""
    began = held.began_at
    return began is not None and held.parts > held.base and tx.now - began > SERIES_LIFE


def _opened(held: Held) -> SearchHead | None:
    """Return the head that we signed."""
    if held.raw is None or held.signer is None:
        return None
    ours = {hashing.kid(held.signer): held.signer}
    return open_signed(Kind.SEARCH, held.raw, ours, SEARCH_HEAD)


def _series(tx: TenantTx, sealer: Sealer, event_id: UUID, held: Held) -> Series | None:
    """Return the series that goes on; None where its key is lost, or under an old master key."""
    if held.series is None or held.key is None:
        return None
    try:
        if sealer.needs_reseal(held.key):
            return None
        key = sealer.unseal(held.key, _context(tx, event_id, held.series))
    except SealBroken:
        return None
    return Series(held.ref, held.series, key)


def _context(tx: TenantTx, event_id: UUID, series: bytes) -> str:
    return f"search-series/{tx.tenant}/{event_id}/{series.hex()}"


async def _signer(tx: TenantTx, keyring: Keyring, before: bytes | None) -> Signer:
    every = await key_repository.keys(tx, role="manifest")
    if signing(every, tx.now) is None:
        await key_repository.lock(tx)
        await keyset.publish(tx, keyring)
    key, secret = await keyring.signer(tx, "manifest")
    return Signer(key.public, secret, _is_withdrawn(every, before))


def _is_withdrawn(keys: list[KeyRow], public: bytes | None) -> bool:
    return any(key.public == public and key.revoked_at is not None for key in keys)
