"""What mails about orders, money and transfers say."""

from collections.abc import Mapping
from typing import Any, Final, LiteralString
from uuid import UUID

from cloud.currencies import written
from cloud.db.connect import Row
from cloud.notify.asked import GONE, OVER, Answer, Asked, gig, number_of
from cloud.notify.facts import OfGuest, OfMoney, OfOrder, OfTicket
from cloud.tickets import repository_printed
from cloud.tickets.model_printed import Printable
from cloud.transfers import acts

ORDER: Final[LiteralString] = """
    SELECT event_id, state, total, currency FROM purchase
     WHERE tenant_id = current_tenant() AND order_id = $1 AND account_id = $2
"""


async def order(asked: Asked) -> Answer:
    """An order: its buyer's tickets, as they are now."""
    tx, bought = asked.tx, UUID(asked.mail.about["order_id"])
    row = await tx.conn.fetchrow(ORDER, bought, asked.mail.account_id)
    if row is None or asked.reader is None:
        return GONE
    found = await repository_printed.of_order(tx, bought)
    own = [each for each in found if each.account_id == asked.mail.account_id]
    return asked.reader.email, OfOrder(
        await gig(tx, row["event_id"]),
        number_of(bought),
        written(row["total"], row["currency"]),
        [each for each in own if each.state not in ("refunded", "revoked")],
        asked.reader.proved,
    )


async def money(asked: Asked) -> Answer:
    """Money that goes back."""
    about, bought = asked.mail.about, UUID(asked.mail.about["order_id"])
    row = await asked.tx.conn.fetchrow(ORDER, bought, asked.mail.account_id)
    if row is None or asked.reader is None:
        return GONE
    amount = written(about["amount"], about["currency"]) if about["amount"] else ""
    show = await gig(asked.tx, row["event_id"])
    return asked.reader.email, OfMoney(show, number_of(bought), amount, about.get("tickets", 0))


TRANSFER: Final[LiteralString] = """
    SELECT f.event_id, f.ticket_id, f.email, f.state, f.expires_at, f.recipient, t.seat,
           c.name AS class_name, a.name AS sender
      FROM transfer f
      JOIN ticket t USING (tenant_id, event_id, ticket_id)
      JOIN ticket_class c USING (tenant_id, event_id, class_index)
      JOIN account a ON a.account_id = f.sender
     WHERE f.tenant_id = current_tenant() AND f.transfer_id = $1
"""


async def offer(asked: Asked) -> Answer:
    """An offer, while it is open, with its secret until it is sent."""
    row = await _transfer(asked)
    if row is None or row["email"] is None:
        return GONE
    if row["state"] != "offered" or row["expires_at"] <= asked.tx.now:
        return OVER
    sealed = {**asked.mail.about, "sealed": asked.mail.sealed}
    secret = acts.opened(asked.sealer, sealed) if asked.mail.sealed else ""
    return row["email"], OfTicket(
        await gig(asked.tx, row["event_id"]),
        _place(row),
        sender=row["sender"],
        secret=secret,
        until=row["expires_at"],
    )


async def withdrawn(asked: Asked) -> Answer:
    """An offer that was taken back, to the address that it was made to."""
    row = await _transfer(asked)
    if row is None or row["email"] is None:
        return GONE
    show = await gig(asked.tx, row["event_id"])
    return row["email"], OfTicket(show, _place(row), sender=row["sender"])


async def offered(asked: Asked) -> Answer:
    """A ticket that its reader has offered: what became of it is the mail's kind."""
    row = await _transfer(asked)
    if row is None or asked.reader is None:
        return GONE
    return asked.reader.email, OfTicket(await gig(asked.tx, row["event_id"]), _place(row))


async def taken_over(asked: Asked) -> Answer:
    """A ticket that its reader has now."""
    row = await _transfer(asked)
    if row is None or asked.reader is None:
        return GONE
    ticket = await repository_printed.printable(asked.tx, row["event_id"], row["ticket_id"])
    mine = _own(ticket, asked) if asked.reader.proved else None
    show = await gig(asked.tx, row["event_id"])
    return asked.reader.email, OfTicket(show, _place(row), mine=mine)


GUEST: Final[LiteralString] = """
    SELECT t.email FROM ticket t JOIN event e USING (tenant_id, event_id)
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.number = ANY ($2::int[])
       AND t.account_id IS NULL AND t.email IS NOT NULL AND e.state = 'published'
     ORDER BY t.number LIMIT 1
"""


async def guest(asked: Asked) -> Answer:
    """Tickets of a guest list, to the address that it has: whoever reads there may use them."""
    event, numbers = UUID(asked.mail.about["event_id"]), asked.mail.about["numbers"]
    to = await asked.tx.conn.fetchval(GUEST, event, numbers)
    if to is None:
        return GONE
    found = await repository_printed.of_guest(asked.tx, event, numbers, to)
    good = [each for each in found if each.state not in ("refunded", "revoked")]
    return (to, OfGuest(await gig(asked.tx, event), good)) if good else GONE


async def _transfer(asked: Asked) -> Row | None:
    return await asked.tx.conn.fetchrow(TRANSFER, UUID(asked.mail.about["transfer_id"]))


def _own(ticket: Printable | None, asked: Asked) -> Printable | None:
    """Return a ticket if its owner is who reads: it may have gone on since."""
    mine = ticket is not None and ticket.account_id == asked.mail.account_id
    return ticket if mine else None


def _place(row: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (row["class_name"], row["seat"])))
