"""What a gate's list says of a ticket's row. Pure.

Rules:
- A ticket is listed from its first code on, since before it there is nothing to show at a gate.
  A live ticket is bound to its first phone without a new generation, and a record's holder key
  never changes within one.
- Between two codes (handed over, and not yet bound to the new owner's phone) it keeps the
  generation and the key of the last one, blocked: that code is dead, and the next one is of a
  higher generation.
- A record's number is the manifest's own: dense in the order of first appearance. Tickets'
  numbers also count those that are still for sale.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from cloud.db.connect import Row
from cloud.tickets.lifecycle import State
from shared.hashing import holder_hash
from shared.manifest.sealed import MAX_NAME, MAX_SEAT, Name, seal
from shared.manifest.ticket import FINAL, NO_HOLDER, Status, TicketRecord

STATUSES: Final[Mapping[State, Status]] = {
    State.ACTIVE: Status.ACTIVE,
    State.LISTED: Status.ACTIVE,
    State.USED: Status.ACTIVE,  # check-ins are the merged view's
    State.EXPIRED: Status.ACTIVE,  # judged by the token's `exp`
    State.REFUNDED: Status.REFUNDED,
    State.REVOKED: Status.REVOKED,
}


class Listed(NamedTuple):
    """A ticket's row, as far as a gate's list goes."""

    ticket_id: UUID
    hash: bytes
    class_index: int
    state: State
    gen: int
    blocked: bool
    holder: bytes | None
    attendee: str
    seat: str
    token: bytes | None


def of_row(row: Row) -> Listed:
    """Return a row as `Listed`."""
    return Listed(
        row["ticket_id"], row["hash"], row["class_index"], State(row["state"]), row["gen"],
        row["blocked"], row["holder"], row["attendee"] or "", row["seat"] or "", row["token"],
    )  # fmt: skip


def status_of(state: State, *, blocked: bool) -> Status | None:
    """Return what a list says of a state, None where it isn't a ticket yet."""
    status = STATUSES.get(state)
    return Status.BLOCKED if blocked and status is Status.ACTIVE else status


def record(row: Listed, old: TicketRecord | None, number: int) -> TicketRecord | None:
    """Return the record of a ticket, None for none yet. `number`: of a new one."""
    status = status_of(row.state, blocked=row.blocked)
    if status is None:
        return old
    if row.token is None:
        lapsed = status if status in FINAL else Status.BLOCKED
        return None if old is None else old._replace(status=lapsed)
    holder = holder_hash(row.holder) if row.holder else NO_HOLDER
    place = number if old is None else old.number
    return TicketRecord(row.hash, place, row.gen, row.class_index, status, holder)


def name(row: Listed, nonce: bytes) -> bytes:
    """Return who and where, sealed to the ticket's code; empty where there is nothing to say."""
    if row.token is None or not (row.attendee or row.seat):
        return b""
    return seal(Name(_cut(row.attendee, MAX_NAME), _cut(row.seat, MAX_SEAT)), row.token, nonce)


def _cut(text: str, size: int) -> str:
    """Return as much of `text` as fits into `size` bytes."""
    return text.encode()[:size].decode(errors="ignore")
