"""What is published: a schema for each topic, with its version. Pure, below the database.

A field may be added with a default in the same version; whatever else changes a topic's form
makes the version one higher, and its handlers read the older ones as long as any may be under
way. A build that meets a version it doesn't know keeps the message (cloud/messages/inbox.py).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from cloud.topics import assets, doors, events, hooks, orders, tickets, work


class Topic(NamedTuple):
    """A topic's newest form. `told`: the sentence that others read; "": it is ours alone."""

    schema: type[msgspec.Struct]
    told: str
    version: int = 1


TOPICS: Final[Mapping[str, Topic]] = {
    "order.paid": Topic(orders.Paid, "An order was paid; its tickets are good."),
    "order.lapsed": Topic(orders.Ended, "An order's hold ended before it was paid."),
    "order.cancelled": Topic(orders.Ended, "An order was given up before it was paid."),
    "order.refunded": Topic(orders.Refunded, "Tickets of an order were taken back."),
    "order.payment_returned": Topic(
        orders.PaymentReturned, "A payment came that bought nothing, and goes back."
    ),
    "refund.succeeded": Topic(orders.RefundSucceeded, "Money went back to a buyer."),
    "refund.failed": Topic(orders.RefundFailed, "Money could not go back: a person must look."),
    "event.published": Topic(events.EventChanged, "An event is on sale."),
    "event.changed": Topic(
        events.EventChanged, "A published event, or one of its classes, changed."
    ),
    "event.moved": Topic(events.Moved, "A published event has other times."),
    "event.cancelled": Topic(events.EventChanged, "A published event was cancelled."),
    "event.ended": Topic(events.EventChanged, "An event is over."),
    "ticket.issued": Topic(tickets.Issued, "Tickets were issued without an order."),
    "ticket.changed": Topic(tickets.TicketChanged, "A ticket has another code."),
    "tickets.changed": Topic(tickets.ManyChanged, "Many of an event's tickets have other codes."),
    "tickets.minted": Topic(assets.Minted, "Tickets were minted: each has its asset."),
    "transfer.offered": Topic(tickets.Transfer, "A ticket was offered to somebody."),
    "transfer.accepted": Topic(tickets.Transfer, "A ticket has another holder."),
    "transfer.declined": Topic(tickets.Transfer, "An offered ticket was not wanted."),
    "transfer.cancelled": Topic(tickets.Transfer, "An offer was taken back."),
    "transfer.lapsed": Topic(tickets.Transfer, "An offer ended unanswered."),
    "incident.opened": Topic(doors.IncidentOpened, "The logs of the doors show an incident."),
    "entries.recorded": Topic(doors.Scans, "Tickets were let in, as the doors' logs say."),
    "entries.undone": Topic(doors.Undone, "Entries were taken back by who had let them in."),
    "exits.recorded": Topic(doors.Scans, "Tickets went out, as the doors' logs say."),
    "denials.recorded": Topic(doors.Scans, "Genuine tickets were not let in."),
    "key.revoked": Topic(events.KeyRevoked, "A key that signed an event's tickets was withdrawn."),
    "hook.test": Topic(hooks.Test, "Somebody asked for a test. It comes whatever is wanted else."),
    "hook.paused": Topic(work.HookPaused, ""),
    "refund.requested": Topic(work.Refund, ""),
    "orders.event_cancelled": Topic(work.OfEvent, ""),
    "tickets.resign": Topic(work.OfEvent, ""),
    "guests.batch": Topic(work.Batch, ""),
    "mail.invitation": Topic(work.Invitation, ""),
    "mail.news": Topic(work.News, ""),
}

HIDDEN: Final = "(not shown)"
OURS: Final = frozenset({"sealed"})  # fields for the service's own eyes: nobody else has the key


def told(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a payload, or of what its schema describes, what others are told."""
    return {name: value for name, value in payload.items() if name not in OURS}


def shown(topic: str, version: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a payload what a person may see: what its schema names and others are told.

    Of the rest, all of it where this build knows no such schema, the names stand alone: nobody
    can say what is in it.
    """
    known: set[str] = set()
    if topic in TOPICS and is_known(topic, version):
        known = {each.name for each in msgspec.structs.fields(TOPICS[topic].schema)} - OURS
    return {name: value if name in known else HIDDEN for name, value in payload.items()}


def version_of(topic: str) -> int:
    """Return the version that is published now."""
    found = TOPICS.get(topic)
    return 1 if found is None else found.version


def is_known(topic: str, version: int) -> bool:
    """Whether this build can read a version of a topic: its own, or an older one."""
    return 1 <= version <= version_of(topic)
