"""Looking tickets up by name, seat or order: for supervisors, while they are on duty.

The list is sealed to their badge (spec/files.md §3). It is opened once for a session, held in
memory, and gone with the session.
"""

import unicodedata
from collections.abc import Callable
from typing import Final

from edge.errors import Refused
from edge.gate.lanes import Lane
from edge.gate.ledger import Ledger
from edge.gate.state import Found
from edge.gate.trust import Book, Trust
from edge.store.documents import DocumentStore
from shared.errors import UsherError
from shared.manifest import TicketRecord
from shared.manifest.search import Entry, open_entries

MOST_FOUND: Final = 30
LEAST_LETTERS: Final = 2


class Searching:
    """Search lists of all events."""

    def __init__(self, trust: Callable[[], Trust], documents: DocumentStore) -> None:
        self._trust = trust
        self._documents = documents

    def find(self, lane: Lane, words: str, ledger: Ledger) -> list[Found]:
        """Return the first tickets that have every word in their name, seat or order."""
        wanted = plain(words).split()
        if sum(map(len, wanted)) < LEAST_LETTERS:
            return []
        found: list[Found] = []
        for event, entries in self._opened(lane).items():
            book = self._trust().books[event]
            for entry in entries:
                text = plain(f"{entry.name} {entry.seat} {entry.order}")
                if all(word in text for word in wanted):
                    found.append(_found(event, entry, book, ledger))
                if len(found) == MOST_FOUND:
                    return found
        return found

    def picked(self, lane: Lane, ticket: str) -> tuple[bytes, TicketRecord, Entry | None]:
        """Return the event, the manifest's word and the list's entry of a ticket."""
        ticket_hash = ticket_of(ticket)
        for event, entries in self._opened(lane).items():
            record = self._trust().books[event].find(ticket_hash)
            if record is not None:
                entry = next((each for each in entries if each.ticket == ticket_hash), None)
                return event, record, entry
        raise Refused("ticket_unknown")

    def _opened(self, lane: Lane) -> dict[bytes, list[Entry]]:
        """Return the lists that the badge on duty opens."""
        trust, duty = self._trust(), lane.duty
        if duty is None:
            raise Refused("not_signed_in")
        for event, search in trust.searches.items():
            if event in duty.entries or event not in trust.books:
                continue
            sealed = self._documents.chunk(bytes.fromhex(search.head.entries)) or b""
            try:
                duty.entries[event] = open_entries(search.head, sealed, duty.badge)
            except UsherError:
                continue  # not sealed to this badge
        opened = {event: each for event, each in duty.entries.items() if event in trust.books}
        if not opened:
            raise Refused("no_search_list")
        return opened


def plain(text: str) -> str:
    """Return a text as people type it: no accents, no case."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def ticket_of(text: str) -> bytes:
    """Return the id hash that 32 hex digits are."""
    try:
        ticket = bytes.fromhex(text)
    except ValueError:
        ticket = b""
    if len(ticket) != 16:
        raise Refused("ticket_unknown")
    return ticket


def _found(event: bytes, entry: Entry, book: Book, ledger: Ledger) -> Found:
    record = book.find(entry.ticket)
    rule = book.rules.classes.get(record.ticket_class if record else entry.ticket_class)
    pools = ledger.history(event, entry.ticket).pools.values()
    return Found(
        ticket=entry.ticket.hex(),
        event=event.hex(),
        name=entry.name,
        seat=entry.seat,
        order=entry.order,
        ticket_class=rule.name if rule else "",
        state=record.status.name.lower() if record else "unknown",
        inside=sum(len(pool.inside) for pool in pools),
    )
