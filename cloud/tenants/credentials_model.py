"""What is sent and answered about API keys and service clients, and what may be given them."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts.permissions import Scope, may_grant
from cloud.errors import Refusal
from cloud.http.access import Caller
from cloud.tenants.model import Title

ScopeNames = Annotated[
    list[Annotated[str, Meta(max_length=64)]],
    Meta(min_length=1, max_length=len(Scope), description="Scopes, as `events:read`."),
]
_SCOPES: Final = {scope.value: scope for scope in Scope}


class AfterKey(msgspec.Struct, frozen=True):
    """The place of a cursor in a list by key id."""

    key_id: Annotated[str, Meta(pattern=r"\A[a-z2-7]{8}\Z")]


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API key to be made."""

    name: Title
    scopes: ScopeNames
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class KeyOut(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without the key."""

    key_id: str
    name: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None


class NewKeyOut(KeyOut, frozen=True, kw_only=True):
    """An API key. `key` is shown this once."""

    key: str


class NewClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service to be let in."""

    name: Title
    scopes: ScopeNames


class ClientOut(msgspec.Struct, frozen=True, kw_only=True):
    """A service. `client_id` is what it tells the token endpoint."""

    id: UUID
    client_id: str
    name: str
    scopes: list[str]
    created_by: str
    created_at: datetime


class NewClientOut(ClientOut, frozen=True, kw_only=True):
    """A service, and its secret, which is shown this once."""

    client_secret: str


class ClientSecret(msgspec.Struct, frozen=True):
    """A service's new secret, shown this once. The old one is void."""

    client_id: str
    client_secret: str


def grantable(caller: Caller, names: Collection[str]) -> list[str]:
    """Return the scopes of a new key or client, in order, or refuse what its maker lacks."""
    unknown = [at for at, name in enumerate(names) if name not in _SCOPES]
    if unknown:
        raise Refusal("scope_unknown", field=f"/scopes/{unknown[0]}")
    wanted = {_SCOPES[name] for name in names}
    held = {_SCOPES[name] for name in caller.scopes}
    if not may_grant(held, wanted):
        raise Refusal("scope_missing", field="/scopes", accepted="some of your own scopes")
    return sorted(wanted)
