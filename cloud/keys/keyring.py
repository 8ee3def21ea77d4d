"""Makes a tenant's keys and unseals them to sign.

Private halves leave the database sealed, and are kept unsealed in this process's memory. A key's
bytes never change, so what is kept is never stale: which key signs is asked anew each time.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.keys import repository
from cloud.keys.model import (
    FOUNDING,
    ROLE_LIFE,
    ROOT_LIFE,
    KeyRow,
    NewKey,
    Role,
    context,
    first,
    signing,
)
from cloud.keys.sealing import Sealer
from shared import keys

KEPT: Final = 1024  # unsealed keys
ATTEMPTS: Final = 8  # at a kid that the tenant has not


class Keyring:
    """The keys of every tenant, behind one master key."""

    def __init__(
        self,
        sealer: Sealer,
        random: Callable[[int], bytes] = secrets.token_bytes,
        kept: int = KEPT,
    ) -> None:
        self._sealer = sealer
        self._random = random
        self._kept = kept
        self._unsealed: OrderedDict[bytes, bytes] = OrderedDict()  # by public key

    def __len__(self) -> int:
        """Return how many keys are kept unsealed."""
        return len(self._unsealed)

    async def make(self, tx: TenantTx, new: NewKey) -> bytes:
        """Make a key and return its public half. The caller holds the lock of the tenant's keys."""
        for _ in range(ATTEMPTS):
            seed = self._random(keys.SEED_SIZE)
            public = keys.public_key(seed)
            where = context(tx.tenant, new.role, public)
            sealed = await asyncio.to_thread(self._sealer.seal, seed, where)
            if await repository.add(tx, new, public, sealed):
                return public
        raise RuntimeError("no new key has a kid of its own")

    async def found(self, tx: TenantTx) -> None:
        """Make the tenant's root and the keys of its documents, where none may sign."""
        await repository.lock(tx)
        held = await repository.keys(tx)
        for role in FOUNDING:
            if signing((key for key in held if key.role == role), tx.now) is None:
                life = ROOT_LIFE if role == "root" else ROLE_LIFE
                await self.make(tx, first(role, None, tx.now, tx.now + life))

    async def signer(self, tx: TenantTx, role: Role) -> tuple[KeyRow, bytes]:
        """Return the key of a role that signs now, and its secret key; made at first need.

        Where it had to be made, `keyset.publish` must follow in the same transaction.
        """
        key = signing(await repository.keys(tx, role=role), tx.now)
        if key is None:
            await self.found(tx)
            key = signing(await repository.keys(tx, role=role), tx.now)
        if key is None:
            raise RuntimeError(f"the tenant has no {role} key that may sign")
        return key, await self.secret(tx.tenant, role, key.public, key.sealed)

    async def secret(self, tenant: UUID, role: Role, public: bytes, sealed: bytes) -> bytes:
        """Return the 64-byte secret key, unsealed once a process."""
        held = self._unsealed.get(public)
        if held is None:
            where = context(tenant, role, public)
            held = keys.secret_key(await asyncio.to_thread(self._sealer.unseal, sealed, where))
            self._unsealed[public] = held
        self._unsealed.move_to_end(public)
        while len(self._unsealed) > self._kept:
            self._unsealed.popitem(last=False)
        return held

    async def reseal(self, tx: TenantTx) -> int:
        """Seal again what an older master key has sealed; return how many keys that were."""
        stale = [key for key in await repository.keys(tx) if self._sealer.needs_reseal(key.sealed)]
        for key in stale:
            where = context(tx.tenant, key.role, key.public)
            seed = await asyncio.to_thread(self._sealer.unseal, key.sealed, where)
            sealed = await asyncio.to_thread(self._sealer.seal, seed, where)
            await repository.reseal(tx, key.public, sealed)
        return len(stale)
