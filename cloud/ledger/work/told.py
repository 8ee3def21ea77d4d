"""What the ledger is told by messages: which tickets to look at. Nothing waits for it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.ledger.work import asset_rows
from cloud.messages.consumer import Consumer, Handler, Message


async def paid(tx: TenantTx, message: Message) -> None:
    """An order's tickets are somebody's now."""
    await asset_rows.look(tx, _event(message), order=UUID(message.payload["order_id"]))


async def issued(tx: TenantTx, message: Message) -> None:
    """Tickets were given out."""
    first = message.payload["first"]
    numbers = (first, first + message.payload["count"])
    await asset_rows.look(tx, _event(message), numbers=numbers)


async def changed(tx: TenantTx, message: Message) -> None:
    """A ticket has another owner, or is void."""
    await asset_rows.look(tx, _event(message), tickets=[UUID(message.payload["ticket_id"])])


async def refunded(tx: TenantTx, message: Message) -> None:
    """Tickets were taken back."""
    tickets = [UUID(each) for each in message.payload["ticket_ids"]]
    await asset_rows.look(tx, _event(message), tickets=tickets)


async def passed(tx: TenantTx, message: Message) -> None:
    """Tickets were used, or are unused again: of matter where used ones are frozen."""
    if await asset_rows.freezes(tx, _event(message)):
        tickets = [_ticket(each) for each in message.payload["records"] if each.get("ticket_id")]
        await asset_rows.look(tx, _event(message), tickets=tickets)


HANDLERS: Final[Mapping[str, Handler]] = {
    "order.paid": paid,
    "ticket.issued": issued,
    "ticket.changed": changed,
    "order.refunded": refunded,
    "entries.recorded": passed,
    "entries.undone": passed,
}
CONSUMER: Final = Consumer("ledger", HANDLERS)


def _event(message: Message) -> UUID:
    return UUID(message.payload["event_id"])


def _ticket(record: Mapping[str, Any]) -> UUID:
    return UUID(record["ticket_id"])
