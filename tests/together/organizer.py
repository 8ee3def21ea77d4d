"""An organizer of the real cloud: events that open tomorrow, and tickets that cost nothing."""

from typing import Any, Final

from cloud.manifests import listing
from cloud.tickets.lifecycle import State
from edge.gate.trust import Book, sealed_name
from edge.store.documents import DocumentStore
from shared.hashing import holder_hash
from shared.manifest import TicketRecord
from shared.manifest.sealed import Name, open_sealed
from tests.cloud.service import Event, Person, Service, good

SOON: Final = """
    UPDATE event SET doors_at = now() + interval '1 day', starts_at = now() + interval '25 h',
           ends_at = now() + interval '30 h' WHERE event_id = '{}'
"""
ROWS: Final = """
    SELECT hash, gen, class_index, state, blocked, holder, token, attendee, seat FROM ticket
     WHERE event_id = $1 AND token IS NOT NULL
"""


class House:
    """An owner and a tenant."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.owner: Person = service.person()
        self.tenant = service.tenant(self.owner)

    @property
    def root(self) -> bytes:
        """The tenant's root key."""
        with self.service.client() as anybody:
            return bytes.fromhex(good(anybody.get(f"{self.tenant.path}/root"))["root"])

    def event(self, tickets: int = 0, **first: Any) -> Event:
        """Make an event that opens tomorrow, publish it, and sell tickets."""
        given = {"price": 0, "capacity": 5000, "per_order": 100} | first
        event = self.service.event(self.owner, self.tenant, **given)
        self.service.database.run(SOON.format(event.event_id))
        for left in range(tickets, 0, -100):
            self.sell(event, min(left, 100))
        self.service.work()
        return event

    def sell(self, event: Event, quantity: int = 1) -> list[str]:
        """Sell tickets; return where they are."""
        order = self.service.buy(self.owner, event, quantity)
        query = "SELECT ticket_id FROM ticket WHERE order_id = $1::text::uuid ORDER BY number"
        rows = self.service.database.rows(query, order["order_id"])
        return [f"{event.path}/tickets/{row['ticket_id']}" for row in rows]

    def name(self, ticket: str, attendee: str) -> None:
        """Say whose ticket it is."""
        good(self.owner.patch(ticket, json={"attendee": attendee}))

    def revoke(self, ticket: str) -> None:
        """Take a ticket back."""
        good(self.owner.post(f"{ticket}/revoke", json={"reason": "lost"}))

    def ref(self, event: Event) -> bytes:
        """Return the reference by which gates know an event."""
        query = "SELECT ref FROM event WHERE event_id = $1"
        found: bytes = self.service.database.rows(query, event.event_id)[0]["ref"]
        return found

    def check(self, event: Event, book: Book, documents: DocumentStore) -> None:
        """Compare a gate's list with the tickets' rows, ticket by ticket; and the names with what
        their codes open."""
        rows = self.service.database.rows(ROWS, event.event_id)
        assert book.manifest.table.tickets == len(rows)
        for row in rows:
            holder = holder_hash(row["holder"]) if row["holder"] else bytes(4)
            status = listing.status_of(State(row["state"]), blocked=row["blocked"])
            assert status is not None
            found = book.find(row["hash"])
            assert found is not None
            said = row["gen"], row["class_index"], status, holder
            assert found == TicketRecord(row["hash"], found.number, *said)
            if row["attendee"]:
                sealed = sealed_name(book, row["hash"], documents)
                name = open_sealed(sealed, row["token"])
                assert name == Name(row["attendee"], row["seat"] or "")
