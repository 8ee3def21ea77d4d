"""API keys and service clients over HTTP.

A person makes them, never a key or a service, with no more scopes than they have themselves.
A secret is shown once, and only its hash is kept.
"""

import secrets
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from cloud.accounts.client_credentials import client_text
from cloud.accounts.secrets_at_rest import (
    ID_RANDOM,
    KEY_RANDOM,
    Kind,
    make_secret,
    parse_secret,
    secret_hash,
)
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.tenants import credentials_repository as repository
from cloud.tenants.credentials_model import (
    AfterKey,
    ClientOut,
    ClientSecret,
    KeyOut,
    NewClient,
    NewClientOut,
    NewKey,
    NewKeyOut,
    grantable,
)
from cloud.tenants.repository import keep_standing
from cloud.tenants.tenant_controller import TENANT

KEYS: Final = f"{TENANT}/api-keys"
CLIENTS: Final = f"{TENANT}/clients"
KeyId = Annotated[str, PathParameter(pattern=r"\A[a-z2-7]{8}\Z", min_length=8, max_length=8)]


@post(KEYS, opt=needs("keys:write"), tags=["services"], operation_id="makeApiKey",
      summary="Make an API key")  # fmt: skip
async def make_key(
    data: JSONBody[NewKey], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> NewKeyOut:
    """Make an API key. It is shown this once."""
    caller.own()
    await keep_standing(tx, caller)
    scopes = grantable(caller, data.scopes)
    if data.expires_at is not None and data.expires_at <= tx.now:
        raise Refusal("invalid_request", field="/expires_at", accepted="a time to come")
    key = _secret(Kind.API_KEY)
    key_id = parse_secret(key).id
    stored = await repository.add_key(
        tx, key_id, secret_hash(key), data.name, scopes, data.expires_at
    )
    if stored is None:  # two of 2^40 ids are the same
        raise Refusal("conflict")
    await tx.audit("api_key.made", f"key:{key_id}", scopes=scopes)
    return NewKeyOut(**msgspec.structs.asdict(stored), key=key)


@get(KEYS, opt=needs("keys:read"), tags=["services"], operation_id="listApiKeys",
     summary="List the API keys")  # fmt: skip
async def list_keys(
    tx: NamedDependency[TenantTx], cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[KeyOut]:
    """Return the API keys that are good, without the keys."""
    after = decode(cursor, AfterKey)
    found = await repository.keys(tx, after.key_id if after else None, limit + 1)
    return page(found, limit, lambda key: AfterKey(key.key_id))


@delete(f"{KEYS}/{{key_id:str}}", opt=needs("keys:write"), tags=["services"],
        operation_id="revokeApiKey", summary="Revoke an API key")  # fmt: skip
async def revoke_key(key_id: KeyId, tx: NamedDependency[TenantTx]) -> None:
    """Make an API key void, at once."""
    if not await repository.revoke_key(tx, key_id):
        raise Refusal("not_found")
    await tx.audit("api_key.revoked", f"key:{key_id}")


@post(CLIENTS, opt=needs("keys:write"), tags=["services"], operation_id="makeClient",
      summary="Let a service in")  # fmt: skip
async def make_client(
    data: JSONBody[NewClient], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> NewClientOut:
    """Make a service's id and secret, for the token endpoint. The secret is shown this once."""
    caller.own()
    await keep_standing(tx, caller)
    scopes = grantable(caller, data.scopes)
    secret = _secret(Kind.CLIENT)
    stored = await repository.add_client(tx, data.name, secret_hash(secret), scopes)
    await tx.audit("client.made", f"client:{stored.id}", scopes=scopes)
    return NewClientOut(**msgspec.structs.asdict(stored), client_secret=secret)


@get(CLIENTS, opt=needs("keys:read"), tags=["services"], operation_id="listClients",
     summary="List the services")  # fmt: skip
async def list_clients(
    tx: NamedDependency[TenantTx], cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[ClientOut]:
    """Return the services that are let in, without their secrets."""
    found = await repository.clients(tx, decode(cursor, UUID), limit + 1)
    return page(found, limit, lambda client: client.id)


@post(f"{CLIENTS}/{{client_id:uuid}}/secret", opt=needs("keys:write"), tags=["services"],
      operation_id="rotateClient", summary="Give a service a new secret")  # fmt: skip
async def rotate_client(
    client_id: FromPath[UUID], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> ClientSecret:
    """Replace a service's secret. The old one is void; tokens last until they expire."""
    caller.own()
    await keep_standing(tx, caller)
    scopes = await repository.client_scopes(tx, client_id)
    if scopes is None:
        raise Refusal("not_found")
    grantable(caller, scopes)
    secret = _secret(Kind.CLIENT)
    await repository.rotate_client(tx, client_id, secret_hash(secret))
    await tx.audit("client.rotated", f"client:{client_id}")
    return ClientSecret(client_text(tx.tenant, client_id), secret)


@delete(f"{CLIENTS}/{{client_id:uuid}}", opt=needs("keys:write"), tags=["services"],
        operation_id="revokeClient", summary="Let a service in no more")  # fmt: skip
async def revoke_client(client_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> None:
    """Make a service's secret void. A token that it has lasts for five minutes at most."""
    if not await repository.revoke_client(tx, client_id):
        raise Refusal("not_found")
    await tx.audit("client.revoked", f"client:{client_id}")


def _secret(kind: Kind) -> str:
    return make_secret(kind, secrets.token_bytes(ID_RANDOM + KEY_RANDOM))


ROUTES: Final = (
    make_key,
    list_keys,
    revoke_key,
    make_client,
    list_clients,
    rotate_client,
    revoke_client,
)
