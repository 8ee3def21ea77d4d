"""Tickets as a check-in reads them: their rows, and what a gate's list would say of them."""

from typing import NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from cloud.manifests.listing import status_of
from cloud.tickets.lifecycle import State
from shared.hashing import holder_hash
from shared.manifest.ticket import NO_HOLDER, TicketRecord
from shared.merge.ticket import Word


class Ticket(NamedTuple):
    """A ticket's row."""

    ticket_id: UUID
    hash: bytes
    number: int
    class_index: int
    state: State
    gen: int
    blocked: bool
    holder: bytes | None
    attendee: str
    seat: str

    def listed(self) -> TicketRecord | None:
        """Return what a gate's list would say, None where it isn't a ticket yet."""
        status = status_of(self.state, blocked=self.blocked)
        if status is None:
            return None
        holder = holder_hash(self.holder) if self.holder else NO_HOLDER
        return TicketRecord(self.hash, self.number, self.gen, self.class_index, status, holder)

    def word(self) -> Word:
        """Return what the merge is told of it."""
        return Word(self.gen, self.state in (State.REFUNDED, State.REVOKED))


def ticket(row: Row) -> Ticket:
    """Return a row as a ticket."""
    return Ticket(
        row["ticket_id"], row["hash"], row["number"], row["class_index"], State(row["state"]),
        row["gen"], row["blocked"], row["holder"], row["attendee"] or "", row["seat"] or "",
    )  # fmt: skip
