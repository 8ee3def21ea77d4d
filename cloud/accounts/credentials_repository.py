"""API keys and service clients in PostgreSQL, as far as they prove who calls."""

from collections.abc import Iterable
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.accounts.permissions import Scope
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx


class Stored(NamedTuple):
    """The hash of a secret, and what the secret opens."""

    hash: bytes
    scopes: frozenset[Scope]


API_KEY: Final[LiteralString] = """
    SELECT hash, scopes FROM api_key
     WHERE tenant_id = current_tenant() AND key_id = $1 AND revoked_at IS NULL
       AND (expires_at IS NULL OR expires_at > $2)
"""


async def api_key(tx: TenantTx, key_id: str) -> Stored | None:
    """Return a key that is good now."""
    return _stored(await tx.conn.fetchrow(API_KEY, key_id, tx.now))


CLIENT: Final[LiteralString] = """
    SELECT hash, scopes FROM client
     WHERE tenant_id = current_tenant() AND client_id = $1 AND revoked_at IS NULL
"""


async def client(tx: TenantTx, client_id: UUID) -> Stored | None:
    """Return a client that is not revoked."""
    return _stored(await tx.conn.fetchrow(CLIENT, client_id))


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return those of the names that are scopes still."""
    known = {scope.value: scope for scope in Scope}
    return frozenset(known[name] for name in names if name in known)


def _stored(row: Row | None) -> Stored | None:
    return Stored(row["hash"], known_scopes(row["scopes"])) if row else None
