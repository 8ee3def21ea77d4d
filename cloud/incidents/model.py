"""An incident, and how it follows from what a merge found. Pure."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, NamedTuple

from shared.merge.incidents import Finding, Incident
from shared.merge.logs import Place

DOMAIN: Final = b"usher/incident/v1\0"
QUARANTINED: Final = "quarantined"  # records of a log that are kept and don't count
KINDS: Final = (*(kind.value for kind in Incident), QUARANTINED)
NO_EVENT: Final = bytes(8)  # of what is about a device's log

State = Literal["open", "explained", "confirmed"]


class Subject(NamedTuple):
    """What an incident is about. Zeros: see `shared.merge.incidents.Finding`."""

    kind: str
    event: bytes  # 8
    ticket: bytes  # 16
    record: bytes  # 16
    device: bytes  # 16
    incarnation: int
    seq: int

    @property
    def id(self) -> bytes:
        """What it is called, the same at every merge (spec/sync.md §7)."""
        place = self.incarnation.to_bytes(4, "big") + self.seq.to_bytes(8, "big")
        about = self.event + self.ticket + self.record + self.device + place
        return sha256(DOMAIN + self.kind.encode() + b"\0" + about).digest()[:16]


class Evidence(NamedTuple):
    """The records that show it, the one that it is about first."""

    events: tuple[bytes, ...]  # of each record, by which it is kept
    ids: tuple[bytes, ...]
    records: int  # how many there are: more than are kept here, perhaps
    devices: tuple[bytes, ...]
    gates: tuple[int, ...]


class Found(NamedTuple):
    """An incident as a merge has it."""

    subject: Subject
    evidence: Evidence


class Held(NamedTuple):
    """An incident as it is kept."""

    id: bytes
    event: bytes
    log: tuple[bytes, int]  # device, incarnation
    evidence: Evidence
    resolved_at: datetime | None


class Changes(NamedTuple):
    """What a merge changes."""

    new: list[Found]
    again: list[Found]  # other evidence, or found once more after it had gone
    gone: list[bytes]  # ids of what the merge has no more


def subject(finding: Finding) -> Subject:
    """Return what a finding is about."""
    return Subject(finding.kind.value, *finding[1:])


def quarantine(place: Place) -> Subject:
    """Return the incident of all of an incarnation's records that don't count."""
    return Subject(QUARANTINED, NO_EVENT, bytes(16), bytes(16), place.device, place.incarnation, 0)


def changes(found: Iterable[Found], held: Iterable[Held]) -> Changes:
    """Return what is to be written, in the order of the ids.

    `held`: all that this merge could have found again, and perhaps others that it did.
    """
    by_id = {each.subject.id: each for each in found}
    known = {each.id: each for each in held}
    again = [
        by_id[name]
        for name in sorted(by_id.keys() & known.keys())
        if known[name].resolved_at is not None or known[name].evidence != by_id[name].evidence
    ]
    new = [by_id[name] for name in sorted(by_id.keys() - known.keys())]
    lost = sorted(known.keys() - by_id.keys())
    return Changes(new, again, [name for name in lost if known[name].resolved_at is None])
