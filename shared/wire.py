"""What gates and the cloud say to each other beside signed documents (spec/sync.md).

Every answer is bounded: by the caps here, or by those of the document that it carries.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from msgspec import Meta

from shared.errors import Malformed
from shared.event import U32, Strict
from shared.log.gossip import Key, Mark
from shared.signed import Hex8

LENGTH: Final = struct.Struct(">I")
ENTRY: Final = struct.Struct(">16sIQ32s")  # device, incarnation, seq, hash of that record
MAX_ENTRIES: Final = 1 << 16
MAX_EVENTS: Final = 256

Milliseconds = Annotated[int, Meta(ge=0, le=2**47)]
Counter = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class EventState(Strict, frozen=True):
    """The newest versions of one event's lists; 0 for none."""

    event: Hex8
    version: U32
    search: U32 = 0


class SyncState(Strict, frozen=True):
    """What is newest, for one device. It asks for what it lacks."""

    at: Milliseconds
    keyset: U32
    roster: U32
    commands: Counter  # number of the newest command to this device
    records: Counter  # rises whenever records came in
    incidents: Counter  # number of the newest entry of the incidents' feed
    events: Annotated[tuple[EventState, ...], Meta(max_length=MAX_EVENTS)]


def frames(parts: Iterable[bytes]) -> bytes:
    """Return parts one after the other, each behind its length (u32)."""
    return b"".join(LENGTH.pack(len(part)) + part for part in parts)


def unframed(data: bytes, most: int) -> list[bytes]:
    """Return the parts, at most `most`. The caller has bounded the whole."""
    parts: list[bytes] = []
    offset = 0
    while offset < len(data):
        start = offset + LENGTH.size
        if start > len(data):
            raise Malformed("wire_truncated", len(data))
        (length,) = LENGTH.unpack_from(data, offset)
        offset = start + length
        if offset > len(data):
            raise Malformed("wire_truncated", len(data))
        if len(parts) == most:
            raise Malformed("wire_too_many", start)
        parts.append(data[start:offset])
    return parts


def encode_vector(vector: Mapping[Key, Mark]) -> bytes:
    """Return how far each incarnation is held, 60 bytes each, in their order."""
    if len(vector) > MAX_ENTRIES:
        raise ValueError(f"a vector has at most {MAX_ENTRIES} entries")
    return b"".join(ENTRY.pack(*key, *mark) for key, mark in sorted(vector.items()))


def decode_vector(data: bytes) -> dict[Key, Mark]:
    """Return what `encode_vector` wrote; it is the only spelling of that vector."""
    if len(data) % ENTRY.size or len(data) > MAX_ENTRIES * ENTRY.size:
        raise Malformed("wire_vector", min(len(data), MAX_ENTRIES * ENTRY.size))
    vector: dict[Key, Mark] = {}
    previous: Key | None = None
    for offset in range(0, len(data), ENTRY.size):
        device, incarnation, seq, digest = ENTRY.unpack_from(data, offset)
        if previous is not None and (device, incarnation) <= previous:
            raise Malformed("wire_vector", offset)
        previous = device, incarnation
        vector[previous] = Mark(seq, digest)
    return vector
