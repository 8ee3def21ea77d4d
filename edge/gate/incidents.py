"""What the cloud says a person must settle, in the words of the staff at this gate.

Whose ticket it is, only the badge that opens the search list says; without one, what the manifest
knows of it: its class.
"""

from collections.abc import Mapping
from typing import Final

from edge.gate.guests import GuestList
from edge.gate.state import IncidentShown
from edge.gate.trust import Book, Trust
from edge.store.incidents import IncidentStore
from shared.wire import IncidentNote

OPEN: Final = "open"
NO_TICKET: Final = "0" * 32


def unsettled(kept: IncidentStore) -> int:
    """Return how many are open, for the status strip."""
    return sum(note.state == OPEN for note in kept.newest())


def shown(
    note: IncidentNote, trust: Trust, me: bytes, lists: Mapping[bytes, GuestList]
) -> IncidentShown:
    """Return a note as screens show it. `lists`: what the badge on duty opens, by event."""
    event, ticket = bytes.fromhex(note.event), bytes.fromhex(note.ticket)
    book = trust.books.get(event)
    listed = lists[event].guests.get(ticket) if event in lists else None
    guest = listed.entry if listed else None
    return IncidentShown(
        incident=note.incident,
        kind=note.kind,
        state=note.state,
        event_name=book.name if book else "",
        ticket="" if note.ticket == NO_TICKET else note.ticket,
        ticket_class=_class_name(book, ticket) if book else "",
        name=guest.name if guest else "",
        seat=guest.seat if guest else "",
        order=guest.order if guest else "",
        gates=_gate_names(book, note) if book else (),
        here=me.hex() in note.devices,
        found=note.found,
    )


def _class_name(book: Book, ticket: bytes) -> str:
    record = book.find(ticket)
    rule = book.rules.classes.get(record.ticket_class) if record else None
    return rule.name if rule else ""


def _gate_names(book: Book, note: IncidentNote) -> tuple[str, ...]:
    """Return what people call the gates; one that the plan has no more, by its number."""
    names = {gate.id: gate.name for gate in book.manifest.head.plan.gates}
    return tuple(names.get(gate, f"#{gate}") for gate in note.gates)
