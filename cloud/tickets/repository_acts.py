"""Tickets changed in PostgreSQL: locked, signed anew, blocked, renamed.

Whoever changes a ticket locks its row first; several, in the order of their ids.
"""

from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.tickets.lifecycle import State
from cloud.tickets.model import Held, Past

LOCK: Final[LiteralString] = """
    SELECT t.ticket_id, t.event_id, t.class_index, t.state, t.gen, t.blocked, t.attendee,
           t.email, t.account_id, t.holder, t.token IS NOT NULL AS signed, c.live,
           c.transferable, e.state AS event_state, e.doors_at, e.transfers, e.transfer_freeze,
           e.reissue_limit, e.reissue_cooldown
      FROM ticket t
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN event e USING (tenant_id, event_id)
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = $2
       FOR UPDATE OF t
"""


async def lock(tx: TenantTx, event_id: UUID, ticket_id: UUID) -> Held | None:
    """Return a ticket that nobody else changes until this transaction ends."""
    row = await tx.conn.fetchrow(LOCK, event_id, ticket_id)
    if row is None:
        return None
    return Held(**{name: row[name] for name in Held._fields})._replace(state=State(row["state"]))


PAST: Final[LiteralString] = """
    SELECT count(*) AS times, max(at) AS last FROM ticket_move
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
       AND move = 'reissue' AND actor = $3
"""


async def past(tx: TenantTx, held: Held) -> Past:
    """Return how often its present owner has had a ticket issued anew."""
    actor = f"account:{held.account_id}"
    row = await tx.conn.fetchrow(PAST, held.event_id, held.ticket_id, actor)
    return Past(0, None) if row is None else Past(row["times"], row["last"])


class Renewed(NamedTuple):
    """What a ticket becomes by a new code."""

    gen: int
    own_gen: int | None  # None: the owner stays
    holder: bytes | None
    token: bytes | None
    kid: bytes | None
    account_id: UUID | None
    attendee: str | None
    email: str | None


RENEW: Final[LiteralString] = """
    UPDATE ticket SET gen = $3, own_gen = coalesce($4, own_gen), holder = $5, token = $6, kid = $7,
           account_id = $8, attendee = $9, email = $10, changed_at = $11
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
"""


async def renew(tx: TenantTx, held: Held, new: Renewed) -> None:
    """Store a ticket's new code with whose it is. A move was named before, if `gen` rises."""
    await tx.conn.execute(RENEW, held.event_id, held.ticket_id, *new, tx.now)


FORGET: Final[LiteralString] = """
    DELETE FROM attachment a USING ticket t
     WHERE a.tenant_id = current_tenant() AND t.tenant_id = a.tenant_id AND t.hash = a.ticket
       AND t.event_id = $1 AND t.ticket_id = $2
"""


async def forget_answers(tx: TenantTx, held: Held) -> None:
    """Forget what the owner so far wrote at a gate, at entries that were taken back."""
    await tx.conn.execute(FORGET, held.event_id, held.ticket_id)


BLOCK: Final[LiteralString] = """
    UPDATE ticket SET blocked = $3, changed_at = $4
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
"""


async def block(tx: TenantTx, held: Held, *, blocked: bool) -> None:
    """Let gates refuse a ticket, or no longer."""
    await tx.conn.execute(BLOCK, held.event_id, held.ticket_id, blocked, tx.now)


RENAME: Final[LiteralString] = """
    UPDATE ticket SET attendee = $3, changed_at = $4
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
"""


async def rename(tx: TenantTx, held: Held, attendee: str | None) -> None:
    """Say who will come."""
    await tx.conn.execute(RENAME, held.event_id, held.ticket_id, attendee, tx.now)
