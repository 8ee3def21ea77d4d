"""What gates and the cloud say to each other beside signed documents (spec/sync.md).

Every answer is bounded: by the caps here, or by those of the document that it carries.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta

from shared.errors import Malformed
from shared.event import U16, U32, Seconds, Strict
from shared.log.gossip import Key, Mark
from shared.signed import Hex8, Hex16

LENGTH: Final = struct.Struct(">I")
ENTRY: Final = struct.Struct(">16sIQ32s")  # device, incarnation, seq, hash of that record
MAX_ENTRIES: Final = 1 << 16
MAX_EVENTS: Final = 256
MAX_CAMERAS: Final = 16
MAX_LOGS: Final = 1000  # devices in a log file; marks in its receipt
MAX_BROKEN: Final = 256
MAX_CONCERNED: Final = 64  # gates and devices that an incident names
MAX_NOTES: Final = 500  # in an answer

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


class CameraReport(Strict, frozen=True):
    """One of a device's cameras. `fps`: pictures a second that it gives."""

    name: Annotated[str, Meta(max_length=32)]
    connected: bool
    fps: Annotated[float, Meta(ge=0, le=1000)]


class HeldVersion(Strict, frozen=True):
    """The manifest that a device holds of an event, and when that was signed."""

    event: Hex8
    version: U32
    issued: Seconds


class Report(Strict, frozen=True):
    """How a device is, as it says itself (spec/sync.md §6)."""

    at: Milliseconds  # the device's own clock
    software: Annotated[str, Meta(max_length=64)]
    keyset: U32  # versions held, 0 for none
    roster: U32
    obeyed: Counter  # number of the last command obeyed
    manifests: Annotated[tuple[HeldVersion, ...], Meta(max_length=MAX_EVENTS)]
    waiting: Counter  # records that the cloud has not confirmed
    disk_free: Counter  # bytes
    clock: Literal["trusted", "carried", "none"]
    cameras: Annotated[tuple[CameraReport, ...], Meta(max_length=MAX_CAMERAS)]
    battery: Annotated[int, Meta(ge=0, le=100)] | None  # percent; null: none, or not known
    on_power: bool | None
    peers: Annotated[int, Meta(ge=0, le=0xFFFF)]  # gates that it is connected to
    incarnation: U32
    locked: Annotated[str, Meta(max_length=64)]  # why it admits nobody; empty: open
    stamps_until: Milliseconds = 0  # records are stamped ahead of the clock until then; 0: no


class Broken(Strict, frozen=True):
    """Where a batch of a log file ends early. Nothing after it in the batch was taken."""

    batch: Counter  # its place among the file's batches, from 0
    at: Counter  # the first record that was not taken, from 0
    fault: Annotated[str, Meta(max_length=32)]  # `shared.log.chain.Fault`


class LogTaken(Strict, frozen=True):
    """What became of one device's records in a log file."""

    device: Hex16
    listed: bool  # no: the tenant has no such device, and its records were passed over
    new: Counter
    known: Counter
    quarantined: Counter  # of both, those that don't count: yet, any more, or ever
    broken: Annotated[tuple[Broken, ...], Meta(max_length=MAX_BROKEN)]


class FileTaken(Strict, frozen=True):
    """What became of a log file, beside its receipt. Blobs are counted by what they are kept as."""

    devices: Annotated[tuple[LogTaken, ...], Meta(max_length=MAX_LOGS)]
    proofs: Counter  # new ones; a blob that proves several records counts for each
    attachments: Counter
    passed_over: Counter  # blobs that prove nothing and are attached to nothing here


class IncidentNote(Strict, frozen=True):
    """One incident as it is now, told to devices. A later note of it has a higher number."""

    number: Counter
    event: Hex8  # zero: about a device's log, at no event in particular
    incident: Hex16
    kind: Annotated[str, Meta(max_length=32)]  # merge.md §5, and `quarantined`
    found: Milliseconds  # when the cloud first found it
    ticket: Hex16  # id hash; zero where it is about a log
    state: Literal["open", "explained", "confirmed", "resolved"]
    gates: Annotated[tuple[U16, ...], Meta(max_length=MAX_CONCERNED)]
    devices: Annotated[tuple[Hex16, ...], Meta(max_length=MAX_CONCERNED)]


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
