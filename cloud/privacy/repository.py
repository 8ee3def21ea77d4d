"""What is blanked of a person, in PostgreSQL. Money, moves and records stay, by ids alone."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.notify.refusals import hash_of
from cloud.privacy.model import Coming, Erased

TENANTS: Final[LiteralString] = """
    SELECT tenants_of_account($1) AS tenant_id
    UNION
    SELECT tenants_with_address($2) WHERE $2 IS NOT NULL
    ORDER BY 1
"""


async def tenants(ptx: PlatformTx, account: UUID, address: str | None) -> list[UUID]:
    """Return the tenants that hold something about an account, or about its proved address."""
    return [row["tenant_id"] for row in await ptx.conn.fetch(TENANTS, account, address)]


COMING: Final[LiteralString] = """
    SELECT e.event_id, e.name, e.starts_at, count(*) AS tickets
      FROM ticket t JOIN event e USING (tenant_id, event_id)
     WHERE t.tenant_id = current_tenant() AND t.account_id = $1 AND e.ends_at > $2
       AND e.state = 'published' AND t.state IN ('purchased', 'minted', 'active', 'listed')
     GROUP BY e.event_id, e.name, e.starts_at ORDER BY e.starts_at, e.event_id
"""


async def coming(tx: TenantTx, account: UUID) -> list[Coming]:
    """Return the events to come that an account has tickets for."""
    rows = await tx.conn.fetch(COMING, account, tx.now)
    return [Coming(tx.tenant, **row) for row in rows]


OWNERS: Final[LiteralString] = """
    SELECT account_id FROM member WHERE tenant_id = current_tenant() AND role = 'owner'
     ORDER BY account_id FOR UPDATE
"""


async def is_sole_owner(tx: TenantTx, account: UUID) -> bool:
    """Whether the tenant has no other owner; nobody else can cease to be one meanwhile."""
    return [row["account_id"] for row in await tx.conn.fetch(OWNERS)] == [account]


# Attachments go first: they are found by their tickets.
ANSWERS: Final[LiteralString] = """
    DELETE FROM attachment a USING ticket t
     WHERE a.tenant_id = current_tenant() AND t.tenant_id = a.tenant_id AND t.hash = a.ticket
       AND (t.account_id = $1 OR (t.account_id IS NULL AND lower(t.email) = lower($2)))
"""
TICKETS: Final[LiteralString] = """
    WITH found AS MATERIALIZED (
        SELECT event_id, ticket_id FROM ticket
         WHERE tenant_id = current_tenant()
           AND (account_id = $1 OR (account_id IS NULL AND lower(email) = lower($2)))
           AND (attendee IS NOT NULL OR email IS NOT NULL)
         ORDER BY ticket_id FOR NO KEY UPDATE)
    UPDATE ticket t SET attendee = NULL, email = NULL FROM found f
     WHERE t.tenant_id = current_tenant() AND t.event_id = f.event_id
       AND t.ticket_id = f.ticket_id
"""
# An offer without an address is open to whoever has its link: this one must not become that.
TRANSFERS: Final[LiteralString] = """
    WITH found AS (
        SELECT transfer_id, state FROM transfer
         WHERE tenant_id = current_tenant() AND email IS NOT NULL
           AND (recipient = $1 OR lower(email) = lower($2))
         ORDER BY transfer_id FOR UPDATE
    ) UPDATE transfer t SET email = NULL, ended_at = coalesce(t.ended_at, $3),
             state = CASE WHEN t.state = 'offered' THEN 'declined' ELSE t.state END
        FROM found f
       WHERE t.tenant_id = current_tenant() AND t.transfer_id = f.transfer_id
      RETURNING t.transfer_id, t.event_id, t.ticket_id, t.sender, t.recipient,
                f.state = 'offered' AS declined
"""
INVITATIONS: Final[LiteralString] = """
    DELETE FROM invitation WHERE tenant_id = current_tenant() AND lower(email) = lower($1)
"""
GUESTS: Final[LiteralString] = """
    UPDATE guest SET name = NULL, email = NULL
     WHERE tenant_id = current_tenant() AND lower(email) = lower($1)
"""


MAILS: Final[LiteralString] = """
    DELETE FROM mail WHERE tenant_id = current_tenant() AND (account_id = $1
        OR account_id IS NULL AND about ->> 'invitation_id' IN (
           SELECT invitation_id::text FROM invitation
            WHERE tenant_id = current_tenant() AND lower(email) = lower($2))
        OR account_id IS NULL AND about ->> 'transfer_id' IN (
           SELECT transfer_id::text FROM transfer
            WHERE tenant_id = current_tenant() AND (recipient = $1 OR lower(email) = lower($2)))
        OR account_id IS NULL AND about ->> 'ticket_id' IN (
           SELECT ticket_id::text FROM ticket
            WHERE tenant_id = current_tenant() AND lower(email) = lower($2)))
"""
MAIL_REFUSALS: Final[LiteralString] = """
    DELETE FROM mail_refusal WHERE tenant_id = current_tenant() AND address = $1
"""


async def blank(tx: TenantTx, account: UUID | None, address: str | None) -> Erased:
    """Blank what the tenant holds about an account, about a proved address, or about both."""
    await tx.conn.execute(MAILS, account, address)  # first: they are found by what is blanked
    if address is not None:
        await tx.conn.execute(MAIL_REFUSALS, hash_of(address))
    answers = await tx.conn.execute(ANSWERS, account, address)
    tickets = await tx.conn.execute(TICKETS, account, address)
    transfers = await _blank_transfers(tx, account, address)
    invitations = await tx.conn.execute(INVITATIONS, address)
    guests = await tx.conn.execute(GUESTS, address)
    return Erased(_count(tickets), transfers, _count(invitations), _count(answers), _count(guests))


async def _blank_transfers(tx: TenantTx, account: UUID | None, address: str | None) -> int:
    rows = await tx.conn.fetch(TRANSFERS, account, address, tx.now)
    for row in rows:
        if row["declined"]:  # told as cloud/transfers/acts.py tells it
            ids = {name: row[name] for name in ("transfer_id", "event_id", "ticket_id")}
            who = {name: row[name] for name in ("sender", "recipient")}
            await tx.publish("transfer.declined", str(row["ticket_id"]), **ids, **who)
    return len(rows)


LEAVE: Final[LiteralString] = """
    DELETE FROM member WHERE tenant_id = current_tenant() AND account_id = $1
"""
ANSWERED: Final[LiteralString] = """
    DELETE FROM idempotency WHERE tenant_id = current_tenant() AND caller = 'account:' || $1::uuid
"""
WALLET: Final[LiteralString] = """
    DELETE FROM wallet WHERE tenant_id = current_tenant() AND account_id = $1
"""
ORIGIN: Final[LiteralString] = "SELECT erase_origin($1)"


async def leave(tx: TenantTx, account: UUID) -> None:
    """Take an account out of a tenant, and forget where its acts there came from."""
    for sql in (LEAVE, ANSWERED, WALLET, ORIGIN):
        await tx.conn.execute(sql, account)


# No row of these is anybody's business afterwards. Refresh tokens go with their sessions.
FORGET: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM identity WHERE account_id = $1",
    "DELETE FROM session WHERE account_id = $1",
    "DELETE FROM mail_secret WHERE account_id = $1",
    "DELETE FROM platform_outbox WHERE key = 'account:' || $1::uuid",
    "DELETE FROM platform_idempotency WHERE caller = 'account:' || $1::uuid",
)
ACCOUNT: Final[LiteralString] = """
    UPDATE account SET email = NULL, email_verified_at = NULL, password = NULL, name = '',
           locale = 'en', admin = false, epoch = epoch + 1, erased_at = $2
     WHERE account_id = $1
"""


async def forget(ptx: PlatformTx, account: UUID) -> None:
    """Blank the account itself: its id is all that is left."""
    for sql in (*FORGET, ORIGIN):
        await ptx.conn.execute(sql, account)
    await ptx.conn.execute(ACCOUNT, account, ptx.now)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
