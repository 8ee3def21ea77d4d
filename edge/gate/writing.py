"""What is to be written, and where: lines become records (`edge.gate.ledger`)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from edge.store.log import Entry
from shared import hashing
from shared.devices.proof import countersign
from shared.log.record import Record


class Line(NamedTuple):
    """One record to be: unplaced, and what vouches for it."""

    record: Record
    blob: bytes = b""  # kept beside it; the record's evidence is its hash
    badge: bytes = b""  # a secret that countersigns the record, which is then its evidence
    code: bytes = b""  # what was scanned, for the countersignature
    of: int | None = None  # an earlier line of the same append, whose id is this one's `ref`


class LogWriter(Protocol):
    """Where records are made durable. Raises `StorageFailed` and has then written nothing."""

    def append(self, entries: Iterable[Entry]) -> None:
        """Write records, all or none."""

    def keep(self, raws: Iterable[bytes], blobs: Mapping[bytes, bytes]) -> None:
        """Write another device's records and blobs."""


class Unwritten:
    """Where practice writes: nowhere."""

    def append(self, entries: Iterable[Entry]) -> None:
        """Forget them."""

    def keep(self, raws: Iterable[bytes], blobs: Mapping[bytes, bytes]) -> None:
        """Forget them."""


def vouched(record: Record, line: Line) -> tuple[Record, tuple[bytes, bytes] | None]:
    """Return a placed record with its evidence, and the blob that this is the hash of."""
    blob = countersign(record, line.badge, line.code) if line.badge else line.blob
    if not blob:
        return record, None
    evidence = hashing.evidence(blob)
    return record._replace(evidence=evidence), (evidence, blob)
