"""`usher-cloud admin mail`: what was mailed to somebody, and what became of it.

Where nothing is sent, and for a person at the phone, it shows the secrets that prove an address;
each reading is audited.
"""

import sys
from collections.abc import Awaitable
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.accounts.model import canonical
from cloud.commands.admin import OPERATOR, operate
from cloud.commands.saying import OUT, WRONG, fail, plainly
from cloud.db.tenancy import TenantTx, platform_tx, tenant_tx
from cloud.keys.sealing import SealBroken
from cloud.notify import message, platform_rows, repository, samples
from cloud.notify.facts import Found, OfAccount, OfInvitation, OfTicket
from cloud.notify.finding import find
from cloud.notify.house import house
from cloud.notify.model import Kind
from cloud.notify.writing import headed
from cloud.parts import Parts
from cloud.settings import Settings
from cloud.working import utc_now

MOST: Final = 20
ACCOUNT: Final[LiteralString] = "SELECT account_id FROM account WHERE email = $1"
TENANTS: Final[LiteralString] = """
    SELECT tenant_id FROM tenant ORDER BY slug
"""
# By account, or by what an address without one was written into.
TO_PERSON: Final[LiteralString] = """
    SELECT m.mail_id, m.kind, m.account_id, m.language, m.about, m.sealed, m.created_at,
           m.attempts, m.state, m.fault, m.trace
      FROM mail m
     WHERE m.tenant_id = current_tenant() AND (m.account_id = $1
        OR m.about ->> 'invitation_id' IN (
           SELECT invitation_id::text FROM invitation
            WHERE tenant_id = current_tenant() AND lower(email) = $2)
        OR m.account_id IS NULL AND m.about ->> 'transfer_id' IN (
           SELECT transfer_id::text FROM transfer
            WHERE tenant_id = current_tenant() AND lower(email) = $2)
        OR m.account_id IS NULL AND m.about ->> 'ticket_id' IN (
           SELECT ticket_id::text FROM ticket
            WHERE tenant_id = current_tenant() AND lower(email) = $2))
     ORDER BY m.created_at DESC LIMIT 20
"""


class Line(NamedTuple):
    """One mail."""

    when: str
    what: str
    state: str
    secret: str


def show(settings: Settings, email: str) -> None:
    """List the newest mails to an address, with the secrets that they carry."""

    async def act(parts: Parts) -> None:
        address = canonical(email)
        account, lines = await _to_account(parts, address)
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            tenants = [row["tenant_id"] for row in await ptx.conn.fetch(TENANTS)]
        for tenant in tenants:
            async with tenant_tx(parts.pool, tenant, OPERATOR, utc_now(), suspended_too=True) as tx:
                lines += await _in_tenant(parts, tx, account, address)
        if not lines:
            fail(f"Nothing was mailed to {email}.", 1)
        for line in lines:  # no table: on a narrow terminal it would cut the secret off
            OUT.print(line.when, line.what, f"({line.state})")
            if line.secret:
                OUT.print(f"  {line.secret}")

    operate(settings, act)


def sample(settings: Settings, kind: str, language: str) -> None:
    """Write a made-up mail of a kind to standard output, as it would be sent."""
    if kind not in list(Kind):
        fail(f"There is no such mail: {', '.join(Kind)}.", WRONG)
    with plainly():
        made = samples.sample(Kind(kind), language)
        if settings.mail_from:
            envelope = made.envelope._replace(sender=house(settings).sender)
            made = made._replace(envelope=envelope)
        ready = message.ready(made, samples.STARTS)
    sys.stdout.buffer.write(ready.content if ready else b"")


async def _to_account(parts: Parts, address: str) -> tuple[UUID | None, list[Line]]:
    async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
        account = await ptx.conn.fetchval(ACCOUNT, address)
        if account is None:
            return None, []
        await ptx.audit("account.mail_read", f"account:{account}")
        lines = []
        for row in await platform_rows.newest(ptx, MOST, key=f"account:{account}"):
            found = await _found(platform_rows.find(ptx, parts.sealer, platform_rows.posted(row)))
            told = dict.fromkeys((platform_rows.state_of(row), row["fault"]))  # some are alike
            state = " ".join(filter(None, told))
            lines.append(_line(f"{row['created_at']:%d %b %H:%M}", state, found))
    return account, lines


async def _in_tenant(parts: Parts, tx: TenantTx, account: UUID | None, address: str) -> list[Line]:
    rows = await tx.conn.fetch(TO_PERSON, account, address)
    lines = []
    for row in rows:
        found = await _found(find(tx, parts.sealer, repository.waiting(row)))
        state = " ".join(filter(None, (row["state"], row["fault"])))
        lines.append(_line(f"{row['created_at']:%d %b %H:%M}", state, found))
    if rows:
        await tx.audit("mail.read", f"tenant:{tx.tenant}", mails=len(rows))
    return lines


async def _found(looking: Awaitable[Found | str]) -> Found | str:
    """Return what is found of a mail, or a code: one that can't be opened hides no other."""
    try:
        return await looking
    except SealBroken as broken:
        return broken.code


def _line(when: str, state: str, found: Found | str) -> Line:
    if isinstance(found, str):
        return Line(when, f"({found})", state, "")
    facts = found.facts
    secret = facts.secret if isinstance(facts, OfAccount | OfInvitation | OfTicket) else ""
    return Line(when, headed(found).subject, state, secret)
