"""Invitations in PostgreSQL."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.tenants.model import Invitation

INVITE: Final[LiteralString] = """
    INSERT INTO invitation (invitation_id, email, role, hash, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def invite(tx: TenantTx, invitation: Invitation, digest: bytes) -> None:
    """Store an invitation, with the hash of its secret."""
    each = invitation
    args = (each.invitation_id, each.email, each.role, digest, each.created_at, each.expires_at)
    await tx.conn.execute(INVITE, *args)


OPEN: Final[LiteralString] = """
    SELECT invitation_id, email, role, created_at, expires_at FROM invitation
     WHERE tenant_id = current_tenant() AND accepted_at IS NULL AND revoked_at IS NULL
       AND expires_at > $1 AND ($2::uuid IS NULL OR invitation_id > $2)
     ORDER BY invitation_id LIMIT $3
"""


async def open_invitations(tx: TenantTx, after: UUID | None, most: int) -> list[Invitation]:
    """Return open invitations, from the one after `after` on."""
    return [Invitation(**row) for row in await tx.conn.fetch(OPEN, tx.now, after, most)]


REVOKE: Final[LiteralString] = """
    UPDATE invitation SET revoked_at = $2
     WHERE tenant_id = current_tenant() AND invitation_id = $1
       AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2
    RETURNING role
"""


async def revoke(tx: TenantTx, invitation: UUID) -> str | None:
    """Take an invitation back; return the role it was for, None if it isn't open."""
    role: str | None = await tx.conn.fetchval(REVOKE, invitation, tx.now)
    return role


ACCEPT: Final[LiteralString] = """
    UPDATE invitation i SET accepted_at = $3 FROM account a
     WHERE i.tenant_id = current_tenant() AND i.hash = $1 AND a.account_id = $2
       AND a.email = i.email AND a.email_verified_at IS NOT NULL
       AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $3
    RETURNING i.invitation_id, i.role
"""


async def accept(tx: TenantTx, digest: bytes, account: UUID) -> tuple[UUID, str] | None:
    """Use an invitation up, if it is open and the account has proved its address."""
    row = await tx.conn.fetchrow(ACCEPT, digest, account, tx.now)
    return (row["invitation_id"], row["role"]) if row else None
