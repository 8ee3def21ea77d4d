"""What a mail is about, looked up at the moment that it is sent or shown.

Each function returns the facts, or a code that says why there is nothing to send any more.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.accounts import mail as account_mail
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.http.kernel import Sealer
from cloud.notify import refusals
from cloud.notify.facts import (
    Facts,
    Found,
    Gig,
    OfEvent,
    OfIncidents,
    OfInvitation,
    OfMoney,
    OfOrder,
    OfTicket,
)
from cloud.notify.model import CATEGORIES, Kind
from cloud.notify.repository import Waiting
from cloud.tickets import repository_printed
from cloud.tickets.model_printed import Printable, money
from cloud.transfers import acts

GONE: Final = "gone"  # what it was about is not there any more
OVER: Final = "over"  # or is settled by now
NO_ADDRESS: Final = "no_address"
REFUSED: Final = "refused_by_reader"

GIG: Final[LiteralString] = """
    SELECT e.name, e.doors_at, e.starts_at, e.timezone, v.name AS place, v.address
      FROM event e JOIN venue v USING (tenant_id, venue_id)
     WHERE e.tenant_id = current_tenant() AND e.event_id = $1
"""
READER: Final[LiteralString] = """
    SELECT email, email_verified_at IS NOT NULL AS proved FROM account
     WHERE account_id = $1 AND erased_at IS NULL
"""
ORGANIZER: Final[LiteralString] = "SELECT name FROM tenant WHERE tenant_id = $1"


class Reader(NamedTuple):
    """To whom a mail goes. `proved`: the address is known to be theirs."""

    email: str
    proved: bool


class Asked(NamedTuple):
    """A mail to be found. `reader`: of its account, if it goes to one."""

    tx: TenantTx
    sealer: Sealer
    mail: Waiting
    reader: Reader | None


Answer = tuple[str, Facts] | str  # an address and the facts, or a code
Look = Callable[[Asked], Awaitable[Answer]]


async def find(tx: TenantTx, sealer: Sealer, mail: Waiting) -> Found | str:
    """Return what a mail says and to whom, or the code of why it is dropped."""
    reader = await _reader(tx, mail.account_id)
    if mail.account_id is not None and reader is None:
        return NO_ADDRESS
    answer = await LOOKS[mail.kind](Asked(tx, sealer, mail, reader))
    if isinstance(answer, str):
        return answer
    to, facts = answer
    category = CATEGORIES.get(mail.kind)
    if category is not None and category in await refusals.refused(tx, to):
        return REFUSED
    organizer = await tx.conn.fetchval(ORGANIZER, tx.tenant)
    return Found(mail.kind, to, mail.language, organizer, facts)


async def _reader(tx: TenantTx, account: UUID | None) -> Reader | None:
    row = None if account is None else await tx.conn.fetchrow(READER, account)
    return None if row is None or row["email"] is None else Reader(row["email"], row["proved"])


async def _gig(tx: TenantTx, event: UUID) -> Gig:
    row = await tx.conn.fetchrow(GIG, event)
    if row is None:
        raise LookupError("no such event")
    return Gig(**row)


ORDER: Final[LiteralString] = """
    SELECT event_id, state, total, currency FROM purchase
     WHERE tenant_id = current_tenant() AND order_id = $1 AND account_id = $2
"""


async def _order(asked: Asked) -> Answer:
    tx, order = asked.tx, UUID(asked.mail.about["order_id"])
    row = await tx.conn.fetchrow(ORDER, order, asked.mail.account_id)
    if row is None or asked.reader is None:
        return GONE
    found = await repository_printed.of_order(tx, order)
    own = [each for each in found if each.account_id == asked.mail.account_id]
    return asked.reader.email, OfOrder(
        await _gig(tx, row["event_id"]),
        _number(order),
        money(row["total"], row["currency"]),
        [each for each in own if each.state not in ("refunded", "revoked")],
        asked.reader.proved,
    )


async def _money(asked: Asked) -> Answer:
    about, order = asked.mail.about, UUID(asked.mail.about["order_id"])
    row = await asked.tx.conn.fetchrow(ORDER, order, asked.mail.account_id)
    if row is None or asked.reader is None:
        return GONE
    amount = money(about["amount"], about["currency"]) if about["amount"] else ""
    gig = await _gig(asked.tx, row["event_id"])
    return asked.reader.email, OfMoney(gig, _number(order), amount, about.get("tickets", 0))


TRANSFER: Final[LiteralString] = """
    SELECT f.event_id, f.ticket_id, f.email, f.state, f.expires_at, f.recipient, t.seat,
           c.name AS class_name, a.name AS sender
      FROM transfer f
      JOIN ticket t USING (tenant_id, event_id, ticket_id)
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN account a ON a.account_id = f.sender
     WHERE f.tenant_id = current_tenant() AND f.transfer_id = $1
"""


async def _offer(asked: Asked) -> Answer:
    row = await _transfer(asked)
    if row is None or row["email"] is None:
        return GONE
    if row["state"] != "offered" or row["expires_at"] <= asked.tx.now:
        return OVER
    secret = acts.opened(asked.sealer, {**asked.mail.about, "sealed": asked.mail.sealed})
    return row["email"], OfTicket(
        await _gig(asked.tx, row["event_id"]),
        _place(row),
        sender=row["sender"],
        secret=secret,
        until=row["expires_at"],
    )


async def _handed_over(asked: Asked) -> Answer:
    row = await _transfer(asked)
    if row is None or asked.reader is None:
        return GONE
    return asked.reader.email, OfTicket(await _gig(asked.tx, row["event_id"]), _place(row))


async def _taken_over(asked: Asked) -> Answer:
    row = await _transfer(asked)
    if row is None or asked.reader is None:
        return GONE
    ticket = await repository_printed.printable(asked.tx, row["event_id"], row["ticket_id"])
    mine = _own(ticket, asked) if asked.reader.proved else None
    gig = await _gig(asked.tx, row["event_id"])
    return asked.reader.email, OfTicket(gig, _place(row), mine=mine)


async def _transfer(asked: Asked) -> Row | None:
    return await asked.tx.conn.fetchrow(TRANSFER, UUID(asked.mail.about["transfer_id"]))


def _own(ticket: Printable | None, asked: Asked) -> Printable | None:
    """Return a ticket if its owner is who reads: it may have gone on since."""
    mine = ticket is not None and ticket.account_id == asked.mail.account_id
    return ticket if mine else None


def _place(row: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (row["class_name"], row["seat"])))


GUEST: Final[LiteralString] = """
    SELECT email FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
       AND account_id IS NULL AND email IS NOT NULL
"""


async def _event(asked: Asked) -> Answer:
    about, event = asked.mail.about, UUID(asked.mail.about["event_id"])
    to = asked.reader.email if asked.reader else None
    if to is None and "ticket_id" in about:
        to = await asked.tx.conn.fetchval(GUEST, event, UUID(about["ticket_id"]))
    return GONE if to is None else (to, OfEvent(await _gig(asked.tx, event)))


MEMBER: Final[LiteralString] = """
    SELECT true FROM member
     WHERE tenant_id = current_tenant() AND account_id = $1 AND role IN ('owner', 'staff')
"""
OPEN: Final[LiteralString] = """
    SELECT kind, count(*) AS number FROM incident
     WHERE tenant_id = current_tenant() AND event_ref = $1 AND state = 'open'
       AND resolved_at IS NULL
     GROUP BY kind
"""
EVENT_OF: Final[LiteralString] = """
    SELECT event_id FROM event WHERE tenant_id = current_tenant() AND ref = $1
"""


async def _incidents(asked: Asked) -> Answer:
    ref = bytes.fromhex(asked.mail.about["event_ref"])
    if asked.reader is None or not await asked.tx.conn.fetchval(MEMBER, asked.mail.account_id):
        return GONE
    rows = await asked.tx.conn.fetch(OPEN, ref)
    if not rows:
        return OVER
    event = await asked.tx.conn.fetchval(EVENT_OF, ref)
    gig = None if event is None else await _gig(asked.tx, event)
    return asked.reader.email, OfIncidents(gig, {row["kind"]: row["number"] for row in rows})


INVITATION: Final[LiteralString] = """
    SELECT email, role, expires_at FROM invitation
     WHERE tenant_id = current_tenant() AND invitation_id = $1
       AND accepted_at IS NULL AND revoked_at IS NULL
"""


async def _invitation(asked: Asked) -> Answer:
    name = asked.mail.about["invitation_id"]
    row = await asked.tx.conn.fetchrow(INVITATION, UUID(name))
    if row is None:
        return GONE
    if row["expires_at"] <= asked.tx.now:
        return OVER
    sealed = {"sealed": asked.mail.sealed}
    secret = account_mail.opened(asked.sealer, "mail.invitation", f"invitation:{name}", sealed)
    return row["email"], OfInvitation(row["role"], secret, row["expires_at"])


def _number(order: UUID) -> str:
    """Return the number that people tell each other, as on the printed ticket."""
    return order.hex[:8].upper()


LOOKS: Final[Mapping[Kind, Look]] = {
    Kind.ORDER: _order,
    Kind.REFUND: _money,
    Kind.PAYMENT_RETURNED: _money,
    Kind.OFFER: _offer,
    Kind.HANDED_OVER: _handed_over,
    Kind.TAKEN_OVER: _taken_over,
    Kind.EVENT_MOVED: _event,
    Kind.EVENT_CANCELLED: _event,
    Kind.INCIDENT: _incidents,
    Kind.INVITATION: _invitation,
}
