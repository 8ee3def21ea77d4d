"""Enrolments in PostgreSQL. Row-level security adds the tenant to every query."""

from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple, cast
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.devices.model import Appliance
from cloud.errors import Refusal
from shared.devices.enrolment import Enrolment, Offer, State

KEPT: Final = timedelta(days=30)  # after which how it ended is in the audit alone


class Held(NamedTuple):
    """An enrolment, and what the device is to be."""

    enrolment_id: UUID
    enrolment: Enrolment
    name: str
    appliance: Appliance
    site: int
    created_at: datetime


class Place(NamedTuple):
    """Where an enrolment stands in their list."""

    created_at: datetime
    enrolment_id: UUID


FORGET: Final[LiteralString] = """
    DELETE FROM enrolment WHERE tenant_id = current_tenant() AND created_at < $1
"""
ADD: Final[LiteralString] = """
    INSERT INTO enrolment (origin, code, expires, root, name, appliance, site, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *
"""


async def add(tx: TenantTx, made: Offer, name: str, appliance: Appliance, site: int) -> Held:
    """Store an offer, and forget those that ended long ago."""
    await tx.conn.execute(FORGET, tx.now - KEPT)
    row = await tx.conn.fetchrow(
        ADD, made.origin, made.code, made.expires, made.root, name, appliance, site, tx.now
    )
    if row is None:  # RETURNING always does
        raise RuntimeError("no enrolment was stored")
    return _held(tx, row)


FIND: Final[LiteralString] = """
    SELECT * FROM enrolment WHERE tenant_id = current_tenant() AND enrolment_id = $1
"""
LOCK: Final[LiteralString] = FIND + " FOR UPDATE"
OF_CODE: Final[LiteralString] = """
    SELECT * FROM enrolment WHERE tenant_id = current_tenant() AND code = $1
"""
LOCK_CODE: Final[LiteralString] = OF_CODE + " FOR UPDATE"


async def find(tx: TenantTx, enrolment_id: UUID) -> Held:
    """Return an enrolment, or refuse with `not_found`."""
    return _found(tx, await tx.conn.fetchrow(FIND, enrolment_id))


async def lock(tx: TenantTx, enrolment_id: UUID) -> Held:
    """Return an enrolment as it stays until the transaction ends, or refuse with `not_found`."""
    return _found(tx, await tx.conn.fetchrow(LOCK, enrolment_id))


async def of_code(tx: TenantTx, code: bytes) -> Held | None:
    """Return the enrolment of a code, if there is one."""
    row = await tx.conn.fetchrow(OF_CODE, code)
    return None if row is None else _held(tx, row)


async def lock_code(tx: TenantTx, code: bytes) -> Held | None:
    """Return the enrolment of a code as it stays until the transaction ends, if there is one."""
    row = await tx.conn.fetchrow(LOCK_CODE, code)
    return None if row is None else _held(tx, row)


LIST: Final[LiteralString] = """
    SELECT * FROM enrolment
     WHERE tenant_id = current_tenant()
       AND ($1::timestamptz IS NULL OR (created_at, enrolment_id) < ($1, $2))
     ORDER BY created_at DESC, enrolment_id DESC LIMIT $3
"""


async def every(tx: TenantTx, before: Place | None, limit: int) -> list[Held]:
    """Return enrolments, the newest first."""
    after = before or (None, None)
    return [_held(tx, row) for row in await tx.conn.fetch(LIST, *after, limit)]


SAVE: Final[LiteralString] = """
    UPDATE enrolment SET state = $2, hello = $3, challenge = $4, revealed = $5
     WHERE tenant_id = current_tenant() AND enrolment_id = $1
"""


async def save(tx: TenantTx, enrolment_id: UUID, after: Enrolment) -> None:
    """Store how far it has come."""
    said = (after.state.value, after.hello, after.challenge, after.revealed)
    await tx.conn.execute(SAVE, enrolment_id, *said)


def _found(tx: TenantTx, row: Row | None) -> Held:
    if row is None:
        raise Refusal("not_found")
    return _held(tx, row)


def _held(tx: TenantTx, row: Row) -> Held:
    made = Offer(row["origin"], row["code"], tx.tenant.bytes, row["expires"], row["root"])
    done = (row["hello"], row["challenge"], row["revealed"])
    return Held(
        row["enrolment_id"], Enrolment(made, State(row["state"]), *done), row["name"],
        cast("Appliance", row["appliance"]), row["site"], row["created_at"],
    )  # fmt: skip
