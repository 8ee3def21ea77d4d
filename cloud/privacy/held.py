"""What one tenant holds about an account: each section is a query. No secret is in one."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.checkins import reports
from cloud.checkins.reports import Entry
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.notify import refusals
from cloud.privacy.model import OfTenant, Rows

NAME: Final[LiteralString] = "SELECT name FROM tenant WHERE tenant_id = $1"
MEMBERSHIPS: Final[LiteralString] = """
    SELECT role, created_at FROM member WHERE tenant_id = current_tenant() AND account_id = $1
"""
ARTIST_OF: Final[LiteralString] = """
    SELECT event_id, share_bps FROM event_artist
     WHERE tenant_id = current_tenant() AND account_id = $1
"""
ORDERS: Final[LiteralString] = """
    SELECT order_id, event_id, state, currency, total, fee, refunded, intent, created_at, paid_at,
           closed_at
      FROM purchase WHERE tenant_id = current_tenant() AND account_id = $1
     ORDER BY created_at, order_id
"""
REFUNDS: Final[LiteralString] = """
    SELECT r.refund_id, r.order_id, r.currency, r.amount, r.reason, r.state, r.created_at,
           r.ended_at
      FROM purchase p JOIN refund r USING (tenant_id, order_id)
     WHERE p.tenant_id = current_tenant() AND p.account_id = $1
     ORDER BY r.created_at, r.refund_id
"""
# By address as well, where it is proved to be the account's.
TICKETS: Final[LiteralString] = """
    SELECT t.ticket_id, t.event_id, e.name AS event, t.class_index, t.number, t.state, t.gen,
           t.blocked, t.seat, t.attendee, t.email, t.changed_at,
           CASE WHEN t.own_gen = 0 THEN t.order_id END AS order_id
      FROM ticket t JOIN event e USING (tenant_id, event_id)
     WHERE t.tenant_id = current_tenant()
       AND (t.account_id = $1 OR (t.account_id IS NULL AND lower(t.email) = lower($2)))
     ORDER BY t.event_id, t.number
"""
# What happened to a ticket before it was handed over is its former owner's.
MOVES: Final[LiteralString] = """
    SELECT m.ticket_id, m.at, m.move, m.from_state, m.to_state, m.gen, m.reason,
           m.actor = 'account:' || $1::uuid AS by_you
      FROM ticket t JOIN ticket_move m USING (tenant_id, event_id, ticket_id)
     WHERE t.tenant_id = current_tenant() AND m.gen >= t.own_gen
       AND (t.account_id = $1 OR (t.account_id IS NULL AND lower(t.email) = lower($2)))
     ORDER BY m.move_id
"""
# The other side of a transfer is somebody else's data.
TRANSFERS: Final[LiteralString] = """
    SELECT transfer_id, event_id, ticket_id, gen, state, created_at, expires_at, ended_at,
           CASE WHEN sender = $1 THEN 'sender' ELSE 'recipient' END AS you_are,
           CASE WHEN sender = $1 OR lower(email) = lower($2) THEN email END AS offered_to
      FROM transfer
     WHERE tenant_id = current_tenant()
       AND (sender = $1 OR recipient = $1 OR lower(email) = lower($2))
     ORDER BY created_at, transfer_id
"""
INVITATIONS: Final[LiteralString] = """
    SELECT invitation_id, email, role, created_at, expires_at, accepted_at, revoked_at
      FROM invitation WHERE tenant_id = current_tenant() AND lower(email) = lower($1)
     ORDER BY created_at, invitation_id
"""
REFS: Final[LiteralString] = """
    SELECT t.ticket_id, t.event_id, t.own_gen, e.ref
      FROM ticket t JOIN event e USING (tenant_id, event_id)
     WHERE t.tenant_id = current_tenant()
       AND (t.account_id = $1 OR (t.account_id IS NULL AND lower(t.email) = lower($2)))
"""
ANSWERS: Final[LiteralString] = """
    SELECT t.ticket_id, convert_from(a.body, 'UTF8') AS body
      FROM ticket t JOIN attachment a ON a.tenant_id = t.tenant_id AND a.ticket = t.hash
     WHERE t.tenant_id = current_tenant()
       AND (t.account_id = $1 OR (t.account_id IS NULL AND lower(t.email) = lower($2)))
"""
MAILS: Final[LiteralString] = """
    SELECT kind, language, about, created_at, state, ended_at FROM mail
     WHERE tenant_id = current_tenant() AND account_id = $1 ORDER BY created_at, mail_id
"""
WALLETS: Final[LiteralString] = """
    SELECT encode(address, 'hex') AS address, linked_at FROM wallet
     WHERE tenant_id = current_tenant() AND account_id = $1
"""
KEYS: Final[LiteralString] = """
    SELECT number, exported_at FROM wallet_export
     WHERE tenant_id = current_tenant() AND account_id = $1 ORDER BY number
"""
ACTS: Final[LiteralString] = """
    SELECT at, action, subject, request_id, host(address) AS address, detail FROM audit
     WHERE tenant_id = current_tenant() AND actor = 'account:' || $1::uuid ORDER BY audit_id
"""


async def in_tenant(tx: TenantTx, account: UUID, address: str | None) -> OfTenant:
    """Return what the tenant entered holds. `address`: proved to be the account's, or None."""
    return OfTenant(
        tenant_id=tx.tenant,
        name=await tx.conn.fetchval(NAME, tx.tenant),
        memberships=_plain(await tx.conn.fetch(MEMBERSHIPS, account)),
        artist_of=_plain(await tx.conn.fetch(ARTIST_OF, account)),
        orders=_plain(await tx.conn.fetch(ORDERS, account)),
        refunds=_plain(await tx.conn.fetch(REFUNDS, account)),
        tickets=_plain(await tx.conn.fetch(TICKETS, account, address)),
        moves=_plain(await tx.conn.fetch(MOVES, account, address)),
        transfers=_plain(await tx.conn.fetch(TRANSFERS, account, address)),
        invitations=_plain(await tx.conn.fetch(INVITATIONS, address)),
        check_ins=await _check_ins(tx, account, address),
        answers=_plain(await tx.conn.fetch(ANSWERS, account, address)),
        mails=_plain(await tx.conn.fetch(MAILS, account)),
        mail_refused=sorted(await refusals.refused(tx, address)) if address else [],
        wallets=_plain(await tx.conn.fetch(WALLETS, account)),
        keys=_plain(await tx.conn.fetch(KEYS, account)),
        acts=_plain(await tx.conn.fetch(ACTS, account)),
    )


async def _check_ins(tx: TenantTx, account: UUID, address: str | None) -> list[Entry]:
    found: list[Entry] = []
    for row in await tx.conn.fetch(REFS, account, address):
        scans = await reports.scans(tx, row["event_id"], row["ref"], row["ticket_id"])
        found += (each for each in scans or () if each.gen >= row["own_gen"])
    return found


def _plain(rows: list[Row]) -> Rows:
    return [dict(row) for row in rows]
