"""Looking tickets up by name, seat or order: for supervisors, while they are on duty.

The list is sealed to their badge. It is opened at the first search of a session, kept in memory
with what the session holds, and gone with the session, or once the gate is locked.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from edge.errors import Refused
from edge.gate.guests import GuestList, matching, opened, plain
from edge.gate.lanes import Lane
from edge.gate.ledger import Ledger
from edge.gate.state import Findings, Found
from edge.gate.trust import Book, Trust
from edge.store.documents import DocumentStore
from shared.errors import UsherError
from shared.manifest import TicketRecord
from shared.manifest.search import Entry

MOST_FOUND: Final = 30
LEAST_LETTERS: Final = 2


class Searching:
    """Search lists of all events."""

    def __init__(self, trust: Callable[[], Trust], documents: DocumentStore) -> None:
        self._trust = trust
        self._documents = documents

    def find(self, lane: Lane, words: str, ledger: Ledger) -> Findings:
        """Return the first tickets that have every word in their name, seat or order."""
        wanted = plain(words).split()
        if sum(map(len, wanted)) < LEAST_LETTERS:
            return Findings()
        found: list[Found] = []
        lists = self._opened(lane)
        missing = sum(each.missing for each in lists.values())
        for event, guests in lists.items():
            book = self._trust().books[event]
            some = matching(guests, wanted)[: MOST_FOUND - len(found)]
            found += [_found(event, entry, book, ledger) for entry in some]
        return Findings(found=found, missing=missing)

    def picked(self, lane: Lane, ticket: str) -> tuple[bytes, TicketRecord, Entry | None]:
        """Return the event, the manifest's word and the list's entry of a ticket."""
        ticket_hash = ticket_of(ticket)
        for event, guests in self._opened(lane).items():
            record = self._trust().books[event].find(ticket_hash)
            if record is not None:
                guest = guests.guests.get(ticket_hash)
                return event, record, guest.entry if guest else None
        raise Refused("ticket_unknown")

    def lists(self, lane: Lane) -> dict[bytes, GuestList]:
        """Return the lists that the badge on duty opens, by event; none where it opens none."""
        try:
            return self._opened(lane)
        except Refused:
            return {}

    def _opened(self, lane: Lane) -> dict[bytes, GuestList]:
        """Return the lists that the badge on duty opens, as they are in force now."""
        trust, duty = self._trust(), lane.duty
        if duty is None:
            raise Refused("not_signed_in")
        before, duty.lists = duty.lists, {}
        for event, search in trust.searches.items():
            if event not in trust.books:
                continue
            try:
                duty.lists[event] = opened(before.get(event), search, duty.badge, self._part)
            except UsherError:
                continue  # not sealed to this badge, or not any more
        if not duty.lists:
            raise Refused("no_search_list")
        return duty.lists

    def _part(self, digest: bytes) -> bytes | None:
        """Return a part. One that rotted on the disk is let go of, and so fetched again."""
        content = self._documents.chunk(digest)
        if content is not None and sha256(content).digest() != digest:
            self._documents.drop_chunk(digest)
            return None
        return content


def forget(lane: Lane) -> None:
    """Let go of what a lane's badge has opened."""
    if lane.duty is not None:
        lane.duty.lists = {}


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
