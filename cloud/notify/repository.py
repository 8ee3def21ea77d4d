"""Mail of a tenant in PostgreSQL: put down, taken by a sender, and what became of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.connect import Connection, Row
from cloud.db.tenancy import TenantTx
from cloud.notify.model import Kind, Outcome, State

LEASE: Final = timedelta(minutes=3)  # after which a mail whose sender died is sent by another
KEPT: Final = timedelta(days=30)

DUE: Final[LiteralString] = "SELECT tenants_with_mail($1) AS tenant_id"


async def due(conn: Connection, now: datetime) -> list[UUID]:
    """Return the tenants with mail that is due, longest waiting first."""
    return [row["tenant_id"] for row in await conn.fetch(DUE, now)]


class Waiting(NamedTuple):
    """A mail as it is stored. `attempts`: with the one that is being made."""

    mail_id: UUID
    kind: Kind
    account_id: UUID | None
    language: str
    about: Mapping[str, Any]
    sealed: str
    created_at: datetime
    attempts: int
    trace: str  # of what it tells of, as W3C's traceparent; "" for none

    @property
    def name(self) -> str:
        """Its Message-ID's left half, the same at every try."""
        return self.mail_id.hex


TAKE: Final[LiteralString] = """
    UPDATE mail SET due_at = $2, attempts = attempts + 1
     WHERE tenant_id = current_tenant() AND mail_id = ANY (ARRAY (
           SELECT mail_id FROM mail
            WHERE tenant_id = current_tenant() AND state = 'waiting' AND due_at <= $1
            ORDER BY due_at, mail_id LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING mail_id, kind, account_id, language, about, sealed, created_at, attempts, trace
"""


async def take(tx: TenantTx, most: int) -> list[Waiting]:
    """Return the mails that are due next, which are this sender's for a while."""
    rows = await tx.conn.fetch(TAKE, tx.now, tx.now + LEASE, most)
    return sorted(map(waiting, rows), key=lambda each: each.created_at)


# A secret is kept only where somebody may still have to read it here.
END: Final[LiteralString] = """
    UPDATE mail SET state = $2, fault = $3, ended_at = $4,
           sealed = CASE WHEN $2 = 'sent' THEN '' ELSE sealed END
     WHERE tenant_id = current_tenant() AND mail_id = $1 AND state = 'waiting'
"""
AGAIN: Final[LiteralString] = """
    UPDATE mail SET fault = $2, due_at = $3, attempts = attempts - $4
     WHERE tenant_id = current_tenant() AND mail_id = $1 AND state = 'waiting'
"""


async def note(tx: TenantTx, mail_id: UUID, outcome: Outcome) -> None:
    """Write down what a mail came to."""
    if outcome.state is State.WAITING:
        uncounted = 0 if outcome.counts else 1
        await tx.conn.execute(AGAIN, mail_id, outcome.fault, outcome.again, uncounted)
    else:
        await tx.conn.execute(END, mail_id, outcome.state.value, outcome.fault, tx.now)


# Its sender may have handed it over already, and not come to note it.
UNDER_WAY: Final[LiteralString] = """
    SELECT state = 'waiting' AND attempts > 0 FROM mail
     WHERE tenant_id = current_tenant() AND mail_id = $1 FOR UPDATE
"""


async def under_way(tx: TenantTx, mail_id: UUID) -> bool:
    """Whether a mail was taken to be sent and is not ended. Nobody ends it until this does."""
    return bool(await tx.conn.fetchval(UNDER_WAY, mail_id))


# It came back after it was sent.
BOUNCE: Final[LiteralString] = """
    UPDATE mail SET state = $2, fault = $3, ended_at = $4
     WHERE tenant_id = current_tenant() AND mail_id = $1 AND state = 'sent'
    RETURNING mail_id, kind, account_id, language, about, sealed, created_at, attempts, trace
"""


async def bounce(tx: TenantTx, mail_id: UUID, outcome: Outcome) -> Waiting | None:
    """Note what became of a mail that was sent, and return it; None: there is no such one."""
    row = await tx.conn.fetchrow(BOUNCE, mail_id, outcome.state.value, outcome.fault, tx.now)
    return None if row is None else waiting(row)


READ: Final[LiteralString] = """
    SELECT mail_id, kind, account_id, language, about, sealed, created_at, attempts, trace
      FROM mail WHERE tenant_id = current_tenant() AND mail_id = $1
"""
PAGE: Final[LiteralString] = """
    SELECT mail_id, kind, account_id, language, about, created_at, due_at, attempts, state,
           ended_at, fault
      FROM mail WHERE tenant_id = current_tenant()
       AND ($1::timestamptz IS NULL OR (created_at, mail_id) < ($1, $2::uuid))
       AND ($3 = '' OR state = $3)
     ORDER BY created_at DESC, mail_id DESC LIMIT $4
"""
RESEND: Final[LiteralString] = """
    UPDATE mail SET state = 'waiting', ended_at = NULL, attempts = 0, due_at = $2, fault = ''
     WHERE tenant_id = current_tenant() AND mail_id = $1 AND state IN ('bounced', 'failed')
"""
WAKE: Final[LiteralString] = "NOTIFY usher_mail"


async def read(tx: TenantTx, mail_id: UUID) -> Waiting | None:
    """Return a mail, whatever became of it."""
    row = await tx.conn.fetchrow(READ, mail_id)
    return None if row is None else waiting(row)


async def mails(
    tx: TenantTx, before: tuple[datetime, UUID] | None, state: str, most: int
) -> list[Row]:
    """Return mails, newest first. `state`: those in it; "": all."""
    return await tx.conn.fetch(PAGE, *(before or (None, None)), state, most)


async def resend(tx: TenantTx, mail_id: UUID) -> bool:
    """Have a mail tried anew that was refused or given up; whether there was such a one."""
    if await tx.conn.execute(RESEND, mail_id, tx.now) != "UPDATE 1":
        return False
    await tx.conn.execute(WAKE)
    return True


FORGET: Final[LiteralString] = """
    DELETE FROM mail WHERE tenant_id = current_tenant() AND ended_at < $1
"""


async def forget(tx: TenantTx) -> None:
    """Drop what ended long ago."""
    await tx.conn.execute(FORGET, tx.now - KEPT)


def waiting(row: Row) -> Waiting:
    """Return a stored mail."""
    found = {name: row[name] for name in Waiting._fields}
    return Waiting(**found)._replace(kind=Kind(row["kind"]))
