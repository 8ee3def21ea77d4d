"""A tenant's keys over HTTP: the keyset for whoever verifies, rotation and withdrawal."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import anyone, needs
from cloud.keys import keyset, repository
from cloud.keys.issuers import Issuers, revoke, succeed_root
from cloud.keys.model import KeyRow, Role, signing

TENANT: Final = "/v1/tenants/{tenant_id:uuid}"
OCTETS: Final = "application/octet-stream"
Kid = Annotated[
    str,
    PathParameter(
        pattern=r"\A[0-9a-f]{8}\Z", min_length=8, max_length=8, description="8 hex digits."
    ),
]
RootHex = Annotated[
    str,
    QueryParameter(
        pattern=r"\A([0-9a-f]{64})?\Z",
        max_length=64,
        description="A root's public key in hex: the newest keyset that it signed. A device "
        "that missed a change of root asks for its own root's first. Empty: the newest of all.",
    ),
]


class KeyOut(msgspec.Struct, frozen=True):
    """A key, by its public half."""

    kid: str
    public: str
    role: Role
    event_id: UUID | None
    state: Literal["signs", "waits", "verifies", "revoked", "over"]
    not_before: datetime
    not_after: datetime
    signs_from: datetime
    revoked_at: datetime | None


class Root(msgspec.Struct, frozen=True):
    """The public key that a device is enrolled with, in hex."""

    root: str
    version: int  # of the newest keyset


@get(
    f"{TENANT}/keyset",
    opt=anyone(),
    media_type=OCTETS,
    tags=["keys"],
    operation_id="readKeyset",
    summary="Read the keyset",
    response_headers=[
        ResponseHeader("Usher-Keyset-Version", description="Its version.", documentation_only=True)
    ],
)
async def read_keyset(
    tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers], root: RootHex = ""
) -> Response[bytes]:
    """Return the signed document that says which keys may sign what, as bytes."""
    published = await keyset.current(tx, issuers.keyring)
    if root:
        of_root = await repository.newest(tx, bytes.fromhex(root))
        if of_root is None:
            raise Refusal("not_found")
        published = of_root
    version = {"Usher-Keyset-Version": str(published.version)}
    return Response(published.raw, media_type=OCTETS, headers=version)


@get(
    f"{TENANT}/root",
    opt=anyone(),
    tags=["keys"],
    operation_id="readRoot",
    summary="Read the root key",
)
async def read_root(tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]) -> Root:
    """Return the root's public key. Compare it with what the organizer tells you otherwise."""
    published = await keyset.current(tx, issuers.keyring)
    return Root(published.root.hex(), published.version)


@get(
    f"{TENANT}/keys",
    opt=needs("keys:read"),
    tags=["keys"],
    operation_id="listKeys",
    summary="List the keys",
)
async def list_keys(
    tx: NamedDependency[TenantTx],
    event_id: Annotated[UUID | None, QueryParameter(description="Of one event alone.")] = None,
) -> list[KeyOut]:
    """Return the tenant's keys, those of the past too."""
    keys = await repository.keys(tx, event_id=event_id)
    return [_shown(key, keys, tx.now) for key in keys]


@post(
    f"{TENANT}/events/{{event_id:uuid}}/keys",
    opt=needs("keys:write"),
    tags=["keys"],
    operation_id="rotateIssuerKey",
    summary="Rotate an event's key",
)
async def rotate(
    event_id: FromPath[UUID], tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]
) -> KeyOut:
    """Make the event's next key. It is published now and signs in 24 hours."""
    key = await issuers.rotate(tx, event_id)
    return _shown(key, [key], tx.now)


@post(
    f"{TENANT}/keys/{{kid:str}}/revoke",
    opt=needs("keys:write"),
    status_code=200,
    tags=["keys"],
    operation_id="revokeKey",
    summary="Withdraw a key",
)
async def revoke_key(
    kid: Kid, tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]
) -> KeyOut:
    """Withdraw a key for good: nothing that it signed counts any more. Repeating it is harmless.

    If it was the one that signs, a new one takes its place at once.
    """
    key = await revoke(tx, issuers, bytes.fromhex(kid))
    return _shown(key, [key], tx.now)


@post(
    f"{TENANT}/root/successor",
    opt=needs("keys:write"),
    tags=["keys"],
    operation_id="announceRoot",
    summary="Announce the next root",
)
async def announce_root(tx: NamedDependency[TenantTx], issuers: NamedDependency[Issuers]) -> KeyOut:
    """Make the root's successor. The keyset announces it now; it signs keysets in seven days."""
    key = await succeed_root(tx, issuers.keyring)
    return _shown(key, [key], tx.now)


def _shown(key: KeyRow, others: list[KeyRow], now: datetime) -> KeyOut:
    rivals = [each for each in others if (each.role, each.event_id) == (key.role, key.event_id)]
    state: Literal["signs", "waits", "verifies", "revoked", "over"] = "verifies"
    if key.revoked_at is not None:
        state = "revoked"
    elif now >= key.not_after:
        state = "over"
    elif key.waits(now):
        state = "waits"
    elif signing(rivals, now) == key:
        state = "signs"
    return KeyOut(
        key.kid.hex(),
        key.public.hex(),
        key.role,
        key.event_id,
        state,
        key.not_before,
        key.not_after,
        key.signs_from,
        key.revoked_at,
    )


ROUTES: Final = (read_keyset, read_root, list_keys, rotate, revoke_key, announce_root)
