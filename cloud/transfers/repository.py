"""Offers in PostgreSQL. Row-level security adds the tenant to every query.

A ticket is locked before an offer of it; who only ends an offer locks no ticket.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, LiteralString, NamedTuple
from uuid import UUID

from msgspec import Meta

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.tickets.model import Held
from cloud.transfers.model import Offer, Person, State, Transfer

LAPSE_MOST: Final = 200  # offers in one transaction

INSERT: Final[LiteralString] = """
    INSERT INTO transfer (event_id, ticket_id, gen, sender, email, hash, expires_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *
"""


class NewTransfer(NamedTuple):
    """An offer to be stored."""

    email: str | None
    hash: bytes
    expires_at: datetime


async def insert(tx: TenantTx, held: Held, new: NewTransfer) -> Transfer:
    """Store an offer of a ticket, which is locked."""
    row = await tx.conn.fetchrow(
        INSERT, held.event_id, held.ticket_id, held.gen, held.account_id, *new, tx.now
    )
    return _transfer(row)


OPEN: Final[LiteralString] = """
    SELECT * FROM transfer
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
       AND state = 'offered' FOR UPDATE
"""


async def open_of(tx: TenantTx, held: Held) -> Transfer | None:
    """Return a ticket's open offer, locked."""
    row = await tx.conn.fetchrow(OPEN, held.event_id, held.ticket_id)
    return None if row is None else _transfer(row)


FIND: Final[LiteralString] = """
    SELECT * FROM transfer WHERE tenant_id = current_tenant() AND hash = $1
"""


async def find(tx: TenantTx, secret_hash: bytes) -> Transfer | None:
    """Return the offer of a secret."""
    row = await tx.conn.fetchrow(FIND, secret_hash)
    return None if row is None else _transfer(row)


READ: Final[LiteralString] = """
    SELECT * FROM transfer WHERE tenant_id = current_tenant() AND transfer_id = $1
"""


async def read(tx: TenantTx, transfer_id: UUID) -> Transfer | None:
    """Return an offer."""
    row = await tx.conn.fetchrow(READ, transfer_id)
    return None if row is None else _transfer(row)


LOCK: Final[LiteralString] = """
    SELECT * FROM transfer WHERE tenant_id = current_tenant() AND transfer_id = $1 FOR UPDATE
"""


async def lock(tx: TenantTx, transfer_id: UUID) -> Transfer | None:
    """Return an offer that nobody else ends meanwhile."""
    row = await tx.conn.fetchrow(LOCK, transfer_id)
    return None if row is None else _transfer(row)


SHOW: Final[LiteralString] = """
    SELECT f.transfer_id, f.state, f.expires_at, f.email IS NOT NULL AS addressed, f.event_id,
           f.ticket_id, f.gen, e.name AS event, e.starts_at, e.timezone, c.name AS ticket_class,
           t.seat, c.live
      FROM transfer f
      JOIN ticket t USING (tenant_id, event_id, ticket_id)
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN event e USING (tenant_id, event_id)
     WHERE f.tenant_id = current_tenant() AND f.hash = $1
"""


async def show(tx: TenantTx, secret_hash: bytes) -> Offer | None:
    """Return an offer as whoever has its link sees it."""
    row = await tx.conn.fetchrow(SHOW, secret_hash)
    if row is None:
        return None
    found = {name: row[name] for name in Offer.__struct_fields__}
    return Offer(**{**found, "state": State(row["state"])})


class Place(NamedTuple):
    """Of an offer in a list."""

    created_at: Annotated[datetime, Meta(tz=True)]
    transfer_id: UUID


Direction = Literal["sent", "received"]
SENT: Final[LiteralString] = """
    SELECT * FROM transfer
     WHERE tenant_id = current_tenant() AND sender = $1
       AND ($2::timestamptz IS NULL OR (created_at, transfer_id) < ($2, $3::uuid))
     ORDER BY created_at DESC, transfer_id DESC LIMIT $4
"""
RECEIVED: Final[LiteralString] = """
    SELECT * FROM transfer
     WHERE tenant_id = current_tenant()
       AND (recipient = $1 OR (state = 'offered' AND lower(email) = $5))
       AND ($2::timestamptz IS NULL OR (created_at, transfer_id) < ($2, $3::uuid))
     ORDER BY created_at DESC, transfer_id DESC LIMIT $4
"""


async def sent(tx: TenantTx, account: UUID, before: Place | None, limit: int) -> list[Transfer]:
    """Return what an account has offered, the newest first."""
    rows = await tx.conn.fetch(SENT, account, *(before or (None, None)), limit)
    return [_transfer(row) for row in rows]


async def received(
    tx: TenantTx, person: Person, before: Place | None, limit: int
) -> list[Transfer]:
    """Return what an account has accepted or declined, and what is offered to its address."""
    place = before or (None, None)
    rows = await tx.conn.fetch(RECEIVED, person.account, *place, limit, person.email)
    return [_transfer(row) for row in rows]


PERSON: Final[LiteralString] = """
    SELECT email FROM account WHERE account_id = $1 AND email_verified_at IS NOT NULL
"""


async def person(tx: TenantTx, account: UUID) -> Person:
    """Return an account with its address, if that is proved."""
    return Person(account, await tx.conn.fetchval(PERSON, account))


END: Final[LiteralString] = """
    UPDATE transfer SET state = $2, recipient = coalesce($3, recipient), ended_at = $4
     WHERE tenant_id = current_tenant() AND transfer_id = $1 RETURNING *
"""


async def end(
    tx: TenantTx, transfer_id: UUID, state: State, recipient: UUID | None = None
) -> Transfer:
    """End an offer, which is locked."""
    return _transfer(await tx.conn.fetchrow(END, transfer_id, state.value, recipient, tx.now))


LAPSE: Final[LiteralString] = """
    UPDATE transfer SET state = 'lapsed', ended_at = $1
     WHERE tenant_id = current_tenant() AND transfer_id IN (
           SELECT transfer_id FROM transfer
            WHERE tenant_id = current_tenant() AND state = 'offered' AND expires_at < $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING *
"""


async def lapse(tx: TenantTx) -> list[Transfer]:
    """End offers whose time is over; return them."""
    return [_transfer(row) for row in await tx.conn.fetch(LAPSE, tx.now, LAPSE_MOST)]


def _transfer(row: Row | None) -> Transfer:
    if row is None:
        raise LookupError("no such offer")
    found = {name: row[name] for name in Transfer.__struct_fields__}
    return Transfer(**{**found, "state": State(row["state"])})
