"""Who calls, and what a route asks of them.

    @get("/v1/tenants/{tenant_id:uuid}/orders", opt=needs("orders:read"))

- `anyone()`: no credentials are asked for. `fan()`: a signed-in account, whatever its role.
- `needs(scope)`: in this tenant, by role, API key or service token. To an account without any
  role there the tenant's private side does not exist: 404, not 403.
- `device()`: a request signed by an enrolled device (shared/spec/devices.md §3).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from cloud.errors import Refusal

Kind = Literal["anonymous", "account", "key", "client", "device"]
NO_SCOPES: Final[frozenset[str]] = frozenset()


class Principal(NamedTuple):
    """What the request's credentials claim and prove by themselves, before any tenant."""

    kind: Kind
    actor: str = "anonymous"  # as the audit names it
    account: UUID | None = None
    epoch: int = 0  # of the account when its token was made
    session: UUID | None = None
    tenant: UUID | None = None  # a service token is good in one tenant
    scopes: frozenset[str] = NO_SCOPES
    secret: str = ""  # an API key, looked up once the tenant is entered

    def __repr__(self) -> str:
        return f"Principal({self.actor})"


ANONYMOUS: Final = Principal("anonymous")


class Caller(NamedTuple):
    """Who calls, in the tenant that was entered."""

    kind: Kind
    actor: str
    account: UUID | None = None
    role: str | None = None
    scopes: frozenset[str] = NO_SCOPES
    device: bytes | None = None

    def has(self, scope: str) -> bool:
        """Whether the caller may do what `scope` names."""
        return scope in self.scopes

    def need(self, scope: str) -> None:
        """Refuse unless the caller has `scope`."""
        if self.kind == "anonymous":
            raise Refusal("credentials_missing")
        if self.kind == "account" and self.role is None:
            raise Refusal("not_found")
        if scope not in self.scopes:
            raise Refusal("scope_missing", accepted=scope)

    def own(self) -> UUID:
        """Return the caller's account, or refuse: a service has no tickets of its own."""
        if self.account is None:
            raise Refusal("account_required")
        return self.account


def anyone() -> Mapping[str, Any]:
    """Return the `opt` of a route that asks for no credentials."""
    return {"access": "anyone"}


def fan() -> Mapping[str, Any]:
    """Return the `opt` of a route for any signed-in account, API key or service."""
    return {"access": "fan"}


def needs(scope: str) -> Mapping[str, Any]:
    """Return the `opt` of a route that asks for a scope in the tenant."""
    return {"access": "scope", "scope": scope}


def admin() -> Mapping[str, Any]:
    """Return the `opt` of a route for the platform's administrators."""
    return {"access": "admin"}


def device(*, revoked_too: bool = False) -> Mapping[str, Any]:
    """Return the `opt` of a route that devices call. `revoked_too`: see `check_request`."""
    return {"access": "device", "revoked_too": revoked_too}
