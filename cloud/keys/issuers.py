"""The keys that sign an event's tickets: the first one, rotation, withdrawal."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.keys import keyset, repository
from cloud.keys.keyring import Keyring
from cloud.keys.model import (
    ROLE_LIFE,
    ROOT_NOTICE,
    KeyRow,
    first,
    later,
    signing,
    token_end,
    waiting,
)
from cloud.keys.repository import Signing


class Issuer(NamedTuple):
    """The key that signs an event's tickets now, and what it writes into each."""

    kid: bytes
    secret: bytes  # 64
    event_ref: bytes
    exp: int  # unix seconds

    def __repr__(self) -> str:
        return f"Issuer({self.kid.hex()})"


class Issuers:
    """Every event's issuer keys. Each call reads, in its transaction, which key signs."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    async def of(self, tx: TenantTx, event_id: UUID) -> Issuer:
        """Return the key that signs now; an event's first one is made here."""
        found = await self._signing(tx, event_id)
        if found.public is None:
            await self.begin(tx, event_id)
            found = await self._signing(tx, event_id)
        if found.public is None:
            raise Refusal("event_over")
        secret = await self.keyring.secret(tx.tenant, "issuer", found.public, found.sealed)
        return Issuer(found.kid, secret, found.ref, int(token_end(found.ends_at).timestamp()))

    async def begin(self, tx: TenantTx, event_id: UUID) -> None:
        """Make an event's first key, or one in place of a withdrawn one, and publish it."""
        await repository.lock(tx)
        found = await self._signing(tx, event_id)
        end = token_end(found.ends_at)
        if found.public is None and tx.now < end:
            public = await self.keyring.make(tx, first("issuer", event_id, tx.now, end))
            await keyset.publish(tx, self.keyring)
            await tx.audit("key.made", f"event:{event_id}", public=public.hex())

    async def rotate(self, tx: TenantTx, event_id: UUID) -> KeyRow:
        """Make and publish the event's next key, which signs after its notice."""
        await repository.lock(tx)
        end = token_end((await self._signing(tx, event_id)).ends_at)
        held = await repository.keys(tx, event_id=event_id)
        if not held:
            raise Refusal("event_not_published")
        if pending := waiting(held, tx.now):
            raise Refusal("rotation_pending", signs_from=pending.signs_from)
        new = later("issuer", event_id, tx.now, end)
        if new.signs_from >= end:
            raise Refusal("event_over")
        public = await self.keyring.make(tx, new)
        await keyset.publish(tx, self.keyring)
        await tx.audit("key.rotated", f"event:{event_id}", public=public.hex())
        return next(
            key for key in await repository.keys(tx, event_id=event_id) if key.public == public
        )

    async def extend(self, tx: TenantTx, event_id: UUID, ends_at: datetime) -> None:
        """Let the event's keys last as long as its tokens, now that it ends later."""
        await repository.lock(tx)
        if await repository.extend(tx, event_id, token_end(ends_at)):
            await keyset.publish(tx, self.keyring)

    async def _signing(self, tx: TenantTx, event_id: UUID) -> Signing:
        found = await repository.issuer_of(tx, event_id)
        if found is None:
            raise Refusal("not_found")
        return found


async def revoke(tx: TenantTx, issuers: Issuers, kid: bytes) -> KeyRow:
    """Withdraw a key, and replace it where it was the one that signs.

    The message `key.revoked` tells of an issuer key: the tickets that it signed must be signed
    anew. A root can't be withdrawn: only its successor, announced before, takes its place.
    """
    await repository.lock(tx)
    key = next(iter(await repository.keys(tx, kid=kid)), None)
    if key is None:
        raise Refusal("not_found")
    if key.role == "root":
        raise Refusal("root_not_revocable")
    if key.revoked_at is None:
        await repository.revoke(tx, key.public)
        await _replace(tx, issuers.keyring, key)
        await keyset.publish(tx, issuers.keyring)
        await tx.audit("key.revoked", f"key:{kid.hex()}", role=key.role)
        if key.event_id is not None:
            about = {"event_id": str(key.event_id), "kid": kid.hex()}
            await tx.publish("key.revoked", f"event:{key.event_id}", **about)
    return next(iter(await repository.keys(tx, kid=kid)))


async def _replace(tx: TenantTx, keyring: Keyring, gone: KeyRow) -> None:
    rest = await repository.keys(tx, role=gone.role, event_id=gone.event_id)
    if signing(rest, tx.now) is None and tx.now < gone.not_after:
        until = gone.not_after if gone.event_id else tx.now + ROLE_LIFE
        await keyring.make(tx, first(gone.role, gone.event_id, tx.now, until))


async def succeed_root(tx: TenantTx, keyring: Keyring) -> KeyRow:
    """Make the next root and announce it; it signs keysets after its notice."""
    await keyring.found(tx)
    roots = await repository.keys(tx, role="root")
    if pending := waiting(roots, tx.now):
        raise Refusal("rotation_pending", signs_from=pending.signs_from)
    until = max(key.not_after for key in roots) + ROLE_LIFE
    public = await keyring.make(tx, later("root", None, tx.now, until, ROOT_NOTICE))
    await keyset.publish(tx, keyring)
    await tx.audit("root.announced", f"tenant:{tx.tenant}", public=public.hex())
    return next(key for key in await repository.keys(tx, role="root") if key.public == public)
