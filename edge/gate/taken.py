"""Log files on their way in: what a file may hold, what its blobs prove, and what came of it."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from edge.gate.heard import Heard, Said, names_proof, readable
from edge.gate.trust import Trust
from shared.bundle import Part, Section
from shared.devices.proof import proves
from shared.errors import Malformed
from shared.log.chain import MAX_BATCH, Fault
from shared.log.record import SIZE

FORGED: Final = frozenset({Fault.FOREIGN, Fault.BAD_SIGNATURE})


class Taken(NamedTuple):
    """What came of a file."""

    batches: tuple[Heard, ...]
    proofs: int = 0  # of records that were here before them

    @property
    def new(self) -> int:
        """How many records were not here before."""
        return sum(batch.new for batch in self.batches)

    @property
    def known(self) -> int:
        """How many were."""
        return sum(batch.known for batch in self.batches)

    @property
    def waiting(self) -> int:
        """How many of the new ones waited for an earlier record when they came."""
        return sum(batch.waiting for batch in self.batches)

    @property
    def strangers(self) -> int:
        """How many records of devices on no roster were passed over."""
        return sum(batch.records for batch in self.batches if batch.device is None)

    @property
    def faults(self) -> dict[bytes, Fault]:
        """What was wrong, by device."""
        found = ((each.device, each.fault) for each in self.batches)
        return {device: fault for device, fault in found if device and fault}

    @property
    def forged(self) -> bool:
        """Whether the sender, or the line, changed what a device wrote (spec/log.md §6)."""
        return not FORGED.isdisjoint(self.faults.values())


def check_sections(sections: Iterable[Section]) -> None:
    """Raise `Malformed` unless every batch belongs to a device and has a size that one can have."""
    pk = b""
    for part, content in sections:
        if part is Part.DEVICE:
            pk = content
        elif part is Part.RECORDS and not (pk and SIZE <= len(content) <= MAX_BATCH * SIZE):
            raise Malformed("record_length", len(content))


def said_of(raw: bytes, blobs: Mapping[bytes, bytes], trust: Trust) -> Said:
    """Return a record with what the blob that it names is worth, if that came along. Codes that
    prove nothing are not kept: a stolen card would give them away."""
    blob = blobs.get(raw[156:188])
    record = readable(raw) if blob is not None and names_proof(raw) else None
    if blob is None or record is None:
        return Said(raw)
    return Said(raw, here=True, proved=proves(record, blob, trust.keys, trust.roster))
