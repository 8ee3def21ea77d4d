"""Signs and publishes a tenant's keyset (shared/keyset.py, spec/token.md §7).

Every change of a key publishes a new version in the same transaction, so that no key signs
that no keyset names. A root in waiting is announced as the successor; when its time comes it
signs, and the old one is left out.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, cast

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.keys import repository
from cloud.keys.keyring import Keyring
from cloud.keys.model import KEYSET_LIFE, KeyRow, signing, waiting
from cloud.keys.repository import Published
from shared.keyset import Key, Keyset, Role
from shared.signed import Kind, seal

MAX_KEYS: Final = 5000  # about 900 kB; a signed document has at most 1 MiB


def compose(keys: Iterable[KeyRow], version: int, now: datetime) -> Keyset:
    """Return the keyset of these keys. Those whose time has passed are left out."""
    keys = list(keys)
    roots = [key for key in keys if key.role == "root"]
    root, successor = signing(roots, now), waiting(roots, now)
    if root is None:
        raise ValueError("no root may sign")
    return Keyset(
        version=version,
        issued=_seconds(now),
        expires=_seconds(now + KEYSET_LIFE),
        root=root.public.hex(),
        successor=successor.public.hex() if successor else None,
        keys=tuple(_entry(key) for key in keys if key.role != "root" and now < key.not_after),
    )


async def publish(tx: TenantTx, keyring: Keyring) -> Published:
    """Sign and store the next version, of the keys as they are now."""
    await keyring.found(tx)
    before = await repository.newest(tx)
    version = before.version + 1 if before else 1
    document = compose(await repository.keys(tx), version, tx.now)
    if len(document.keys) > MAX_KEYS:
        raise Refusal("too_many_keys", accepted=f"{MAX_KEYS} keys of events not long over")
    root, secret = await keyring.signer(tx, "root")
    published = Published(version, root.public, seal(Kind.KEYSET, document, secret), tx.now)
    await repository.publish(tx, published, tx.now + KEYSET_LIFE)
    return published


async def current(tx: TenantTx, keyring: Keyring) -> Published:
    """Return the newest keyset; the first one is made here if nothing has needed it yet."""
    if published := await repository.newest(tx):
        return published
    await repository.lock(tx)
    return await repository.newest(tx) or await publish(tx, keyring)


def _entry(key: KeyRow) -> Key:
    return Key(
        role=cast("Role", key.role),
        event=key.event_ref.hex() if key.event_ref else None,
        pk=key.public.hex(),
        not_before=_seconds(key.not_before),
        not_after=_seconds(key.not_after),
        revoked=key.revoked_at is not None,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
