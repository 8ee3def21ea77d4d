"""This device's copy of all logs, towards others: what they lack of it, and what they bring.

    replica.vector()                     # how far each incarnation is held here
    replica.lacking(theirs, to=peer)     # a log file (spec/files.md) with what they lack
    replica.of(raws)                     # one with just these records, for a push
    replica.take(file)                   # checked, kept, counted

Used by the LAN, by the cloud's sync and for files that are carried by hand. Calls block for the
disk; any thread may make them.

Of an incarnation in which a device wrote two histories no vector can say which of them its
holder has. So it is sent from the start to everybody who asks (edge/gate/walks.py); likewise
where the other side's last record is not one of ours. A record whose predecessor is not here is
kept and waits (spec/merge.md §2): the vector names the last one without a gap, so that the next
holder that is asked sends what is missing.
"""

import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

from edge.gate.heard import Heard, apart
from edge.gate.ledger import Ledger
from edge.gate.parcel import Parcel
from edge.gate.taken import Taken, check_sections, said_of
from edge.gate.trust import Trust
from edge.gate.walks import Walks
from edge.store.database import StorageFailed
from edge.store.identity import Identity
from edge.store.log import LogStore
from shared import hashing
from shared.bundle import FileKind, Part, Section, decode, encode
from shared.errors import Malformed
from shared.log.chain import Fault
from shared.log.gossip import Key, Mark, missing
from shared.log.record import SIZE, Kind, place_of, record_hash

MOST: Final = 2 << 20  # bytes of a file, by spec/sync.md §4


class Replica:
    """Safe to share between threads."""

    def __init__(
        self, me: Identity, ledger: Ledger, log: LogStore, trust: Callable[[], Trust]
    ) -> None:
        self._me = me
        self._ledger = ledger
        self._log = log
        self._trust = trust
        self._taking = threading.Lock()
        self._walks = Walks(log)
        self._listed = trust().roster, _public_keys(me, trust())  # the keys of a roster
        ledger.listen(self._written)

    def vector(self) -> dict[Key, Mark]:
        """Return how far each incarnation is held, and without a gap."""
        return self._ledger.vector()

    def lacking(
        self,
        theirs: Mapping[Key, Mark],
        most: int = MOST,
        to: bytes = b"",
        whose: Container[bytes] | None = None,
    ) -> tuple[bytes, bool]:
        """Return what the holder of a vector lacks, oldest first, and whether there is more.

        The file has at most `most` bytes, and records of all devices or of some. `to` names who
        is served: somebody who is sent a forked incarnation in pieces gets all of them.
        """
        try:
            return self._lacking(theirs, most, to, whose)
        except StorageFailed:
            self._walks.lost(to)
            raise

    def lost(self, to: bytes) -> None:
        """Note that what `lacking` returned last has not arrived there."""
        self._walks.lost(to)

    def _lacking(
        self, theirs: Mapping[Key, Mark], most: int, to: bytes, whose: Container[bytes] | None
    ) -> tuple[bytes, bool]:
        parcel, mine = Parcel(most), self._ledger.vector()
        keys = self._public_keys()
        if whose is not None:
            keys = {device: pk for device, pk in keys.items() if device in whose}
        split = self._ledger.forked() | set(self._disagreed(mine, theirs))
        # First: what follows would not link at whoever has another history.
        if not self._walks.sent(to, (key for key in sorted(split) if key[0] in keys), parcel):
            return parcel.file(keys), True
        for span in missing(mine, theirs):
            for raw, blob in self._log.held(span) if span.device in keys else ():
                if not parcel.add(raw, blob):
                    return parcel.file(keys), True
        return parcel.file(keys), False

    def of(self, raws: Iterable[bytes]) -> bytes:
        """Return a file with just these records and the blobs that they name."""
        raws = tuple(raws)
        blobs = self._log.blobs({raw[156:188] for raw in raws})
        parcel = Parcel(None)
        for raw in raws:
            parcel.add(raw, blobs.get(raw[156:188]))
        return parcel.file(self._public_keys())

    def take(self, file: bytes, advance: Callable[[], None] = lambda: None) -> Taken:
        """Take a log file in, batch by batch; raise `Malformed`, with nothing taken, where it is
        not one. `advance` is called after each batch."""
        kind, sections = decode(file)
        if kind is not FileKind.LOG:
            raise Malformed("file_kind", 5)
        return self.take_parts(sections, advance)

    def take_parts(
        self, sections: Sequence[Section], advance: Callable[[], None] = lambda: None
    ) -> Taken:
        """Take in the parts of a log file."""
        check_sections(sections)
        blobs = {hashing.evidence(s.content): s.content for s in sections if s.part is Part.BLOB}
        batches, pk, trust = [], b"", self._trust()
        for part, content in sections:
            if part is Part.DEVICE:
                pk = content
            elif part is Part.RECORDS:
                batches.append(self._hear(pk, content, blobs, trust))
                advance()
        return Taken(tuple(batches), self._prove_later(blobs, trust))

    def _hear(self, pk: bytes, batch: bytes, blobs: Mapping[bytes, bytes], trust: Trust) -> Heard:
        """Take one batch in. Signatures are checked before anybody has to wait."""
        device, count = hashing.device_id(pk), len(batch) // SIZE
        if device not in trust.roster.devices:
            return Heard(None, count)
        raws, fault = apart(batch, device, pk)
        with self._taking:
            fresh = self._ledger.unknown(raws)
            waiting = self._ledger.hear([said_of(raw, blobs, trust) for raw in fresh], blobs)
        if fault is None and any(len(self._ledger.at(*place_of(raw))) > 1 for raw in fresh):
            fault = Fault.FORK
        return Heard(device, count, len(fresh), len(raws) - len(fresh), waiting, fault)

    def _prove_later(self, blobs: Mapping[bytes, bytes], trust: Trust) -> int:
        """Let blobs count for records that were here before them; return for how many."""
        late: dict[bytes, bytes] = {}
        settled: list[bytes] = []
        for name, blob in blobs.items():
            if raws := self._ledger.unproved(name):
                late[name] = blob
                said = (said_of(raw, blobs, trust) for raw in raws)
                settled += (s.raw for s in said if s.proved or s.raw[1] == Kind.ATTACH)
        with self._taking:
            self._ledger.prove(late, settled)
        return len(settled)

    def _disagreed(self, mine: Mapping[Key, Mark], theirs: Mapping[Key, Mark]) -> Iterator[Key]:
        """Yield the incarnations in which their last record stands where we have another one."""
        for key, mark in theirs.items():
            held = mine.get(key)
            if held is not None and mark != held and mark.seq <= held.seq:
                here = self._ledger.at(*key, mark.seq)
                if here and mark.hash not in map(record_hash, here):
                    yield key

    def _written(self, raws: Sequence[bytes], _own: bool) -> None:
        """Take what `Ledger.listen` tells."""
        self._walks.note(raws)

    def _public_keys(self) -> Mapping[bytes, bytes]:
        """Return whose records anybody can check: by device, its public key."""
        trust = self._trust()
        if self._listed[0] is not trust.roster:
            self._listed = trust.roster, _public_keys(self._me, trust)
        return self._listed[1]


def whole(me: Identity, log: LogStore, trust: Trust) -> Iterator[bytes]:
    """Yield all logs and blobs on a disk as a file, piece by piece."""
    return encode(FileKind.LOG, _sections(log, _public_keys(me, trust)))


def _sections(log: LogStore, keys: Mapping[bytes, bytes]) -> Iterator[Section]:
    for span in missing(log.vector(), {}):
        if span.device in keys:
            parcel = Parcel(None)
            for raw, _ in log.held(span):
                parcel.add(raw, None)
            yield from parcel.sections(keys)
    for blob in log.all_blobs():
        yield Section(Part.BLOB, blob)


def _public_keys(me: Identity, trust: Trust) -> Mapping[bytes, bytes]:
    listed = {device: member.pk for device, member in trust.roster.devices.items()}
    return listed | {me.device: me.pk}
