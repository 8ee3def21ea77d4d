"""API keys and service clients in PostgreSQL, as their organizer sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from cloud.accounts.client_credentials import client_text
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.tenants.credentials_model import ClientOut, KeyOut

ADD_KEY: Final[LiteralString] = """
    INSERT INTO api_key (key_id, hash, name, scopes, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
    RETURNING key_id, name, scopes, created_by, created_at, expires_at
"""


async def add_key(
    tx: TenantTx,
    key_id: str,
    digest: bytes,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> KeyOut | None:
    """Store an API key; None where its id is in use."""
    row = await tx.conn.fetchrow(ADD_KEY, key_id, digest, name, scopes, tx.now, expires_at)
    return KeyOut(**row) if row else None


KEYS: Final[LiteralString] = """
    SELECT key_id, name, scopes, created_by, created_at, expires_at FROM api_key
     WHERE tenant_id = current_tenant() AND revoked_at IS NULL
       AND (expires_at IS NULL OR expires_at > $1) AND ($2::text IS NULL OR key_id > $2)
     ORDER BY key_id LIMIT $3
"""


async def keys(tx: TenantTx, after: str | None, most: int) -> list[KeyOut]:
    """Return the keys that are good, from the one after `after` on."""
    return [KeyOut(**row) for row in await tx.conn.fetch(KEYS, tx.now, after, most)]


REVOKE_KEY: Final[LiteralString] = """
    UPDATE api_key SET revoked_at = $2
     WHERE tenant_id = current_tenant() AND key_id = $1 AND revoked_at IS NULL
"""


async def revoke_key(tx: TenantTx, key_id: str) -> bool:
    """Make a key void; whether it was good."""
    return await tx.conn.execute(REVOKE_KEY, key_id, tx.now) == "UPDATE 1"


ADD_CLIENT: Final[LiteralString] = """
    INSERT INTO client (name, hash, scopes, created_at) VALUES ($1, $2, $3, $4)
    RETURNING tenant_id, client_id, name, scopes, created_by, created_at
"""


async def add_client(tx: TenantTx, name: str, digest: bytes, scopes: Sequence[str]) -> ClientOut:
    """Store a client."""
    row = await tx.conn.fetchrow(ADD_CLIENT, name, digest, scopes, tx.now)
    if row is None:
        raise RuntimeError("an insert returned nothing")
    return _client(row)


CLIENTS: Final[LiteralString] = """
    SELECT tenant_id, client_id, name, scopes, created_by, created_at FROM client
     WHERE tenant_id = current_tenant() AND revoked_at IS NULL
       AND ($1::uuid IS NULL OR client_id > $1)
     ORDER BY client_id LIMIT $2
"""


async def clients(tx: TenantTx, after: UUID | None, most: int) -> list[ClientOut]:
    """Return the clients that are good, from the one after `after` on."""
    return [_client(row) for row in await tx.conn.fetch(CLIENTS, after, most)]


CLIENT_SCOPES: Final[LiteralString] = """
    SELECT scopes FROM client
     WHERE tenant_id = current_tenant() AND client_id = $1 AND revoked_at IS NULL FOR UPDATE
"""
ROTATE: Final[LiteralString] = """
    UPDATE client SET hash = $2 WHERE tenant_id = current_tenant() AND client_id = $1
"""


async def client_scopes(tx: TenantTx, client: UUID) -> list[str] | None:
    """Return a client's scopes, its row locked."""
    scopes: list[str] | None = await tx.conn.fetchval(CLIENT_SCOPES, client)
    return scopes


async def rotate_client(tx: TenantTx, client: UUID, digest: bytes) -> None:
    """Replace a client's secret."""
    await tx.conn.execute(ROTATE, client, digest)


REVOKE_CLIENT: Final[LiteralString] = """
    UPDATE client SET revoked_at = $2
     WHERE tenant_id = current_tenant() AND client_id = $1 AND revoked_at IS NULL
"""


async def revoke_client(tx: TenantTx, client: UUID) -> bool:
    """Make a client void; whether it was good."""
    return await tx.conn.execute(REVOKE_CLIENT, client, tx.now) == "UPDATE 1"


REVOKE_KEYS_OF: Final[LiteralString] = """
    UPDATE api_key SET revoked_at = $2
     WHERE tenant_id = current_tenant() AND created_by = $1 AND revoked_at IS NULL
"""
REVOKE_CLIENTS_OF: Final[LiteralString] = """
    UPDATE client SET revoked_at = $2
     WHERE tenant_id = current_tenant() AND created_by = $1 AND revoked_at IS NULL
"""


REVOKE_INVITATIONS_OF: Final[LiteralString] = """
    UPDATE invitation SET revoked_at = $2
     WHERE tenant_id = current_tenant() AND created_by = $1
       AND accepted_at IS NULL AND revoked_at IS NULL
"""


async def revoke_all_of(tx: TenantTx, actor: str) -> None:
    """Make void what somebody made: who has to go must not come back by a key or invitation."""
    for sql in (REVOKE_KEYS_OF, REVOKE_CLIENTS_OF, REVOKE_INVITATIONS_OF):
        await tx.conn.execute(sql, actor, tx.now)


def _client(row: Row) -> ClientOut:
    return ClientOut(
        id=row["client_id"],
        client_id=client_text(row["tenant_id"], row["client_id"]),
        name=row["name"],
        scopes=row["scopes"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )
