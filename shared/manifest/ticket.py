"""What a manifest says of one ticket: a record of 29 bytes (spec/manifest.md §1).

    hash 16 | number u32 | gen u16 | class u16 | status u8 | holder 4

Rules:
- A record is never removed, and its number never changes.
- What a token carries (class, holder key) changes only together with the generation, because
  a token of the old generation would still say the old value.
- The generation never falls. A revoked or refunded ticket never comes back.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from shared.errors import Malformed, Refused

SIZE: Final = 29
HASH_SIZE: Final = 16
LAYOUT: Final = struct.Struct(">16sIHHB4s")
STATUS_OFFSET: Final = 24
NO_HOLDER: Final = bytes(4)


class Status(IntEnum):
    """What the organizer says of a ticket. Numbers are signed and stored: never renumber."""

    ACTIVE = 1
    REVOKED = 2
    REFUNDED = 3
    BLOCKED = 4
    UNPAID = 5


STATUSES: Final = frozenset(map(int, Status))
FINAL: Final = frozenset({Status.REVOKED, Status.REFUNDED})


class TicketRecord(NamedTuple):
    """One ticket. `holder` is `hashing.holder_hash` of its key, zero for a static ticket."""

    ticket_hash: bytes  # 16
    number: int  # dense: 0, 1, 2, … in the order of first appearance
    gen: int
    ticket_class: int
    status: Status
    holder: bytes = NO_HOLDER  # 4


def pack(record: TicketRecord) -> bytes:
    """Return the 29 bytes of `record`."""
    if (len(record.ticket_hash), len(record.holder)) != (HASH_SIZE, len(NO_HOLDER)):
        raise ValueError("a ticket hash has 16 bytes and a holder 4")
    try:
        return LAYOUT.pack(*record)
    except struct.error as error:
        raise ValueError("a number is out of its range") from error


def unpack(raw: bytes) -> TicketRecord:
    """Return the record that 29 bytes are, or raise `Malformed`."""
    if len(raw) != SIZE:
        raise Malformed("ticket_length", min(len(raw), SIZE))
    if raw[STATUS_OFFSET] not in STATUSES:
        raise Malformed("ticket_status", STATUS_OFFSET)
    return unpack_from(raw, 0)


def unpack_from(records: bytes | bytearray, offset: int) -> TicketRecord:
    """Return the record at `offset` of bytes that were checked before."""
    ticket_hash, index, gen, ticket_class, status, holder = LAYOUT.unpack_from(records, offset)
    return TicketRecord(ticket_hash, index, gen, ticket_class, Status(status), holder)


def check_successor(old: TicketRecord, new: TicketRecord) -> None:
    """Raise `Refused` unless `new` may take the place of `old`, which has the same hash."""
    if new.number != old.number:
        raise Refused("ticket_number_changed")
    if new.gen < old.gen:
        raise Refused("ticket_gen_fell")
    if old.status in FINAL and new.status not in FINAL:
        raise Refused("ticket_reinstated")
    if new.gen > old.gen:
        return
    if new.ticket_class != old.ticket_class:
        raise Refused("ticket_class_changed")
    if new.holder != old.holder:
        raise Refused("ticket_holder_changed")
