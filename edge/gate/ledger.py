"""This device's own log, and what all logs that it has heard mean together.

Whoever appends gets records back only once they are on the disk: until then nothing in memory
has changed, and nothing may be shown. The view is a fold of records, made anew at a start.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from edge.gate.heard import Heard, fresh
from edge.store.identity import Identity
from edge.store.log import Entry
from shared import hashing
from shared.devices.proof import countersign, proves
from shared.devices.roster import TrustedRoster
from shared.history import History
from shared.keyset import TrustedKeys
from shared.log import writer
from shared.log.chain import Fault, Head, signed_alone, verify_chain
from shared.log.gossip import Key, Mark
from shared.log.record import (
    EMPTY,
    SIZE,
    Kind,
    Record,
    decode,
    record_hash,
    record_id,
    seal,
)
from shared.log.writer import Tail
from shared.merge.view import Added, Summary, View

_EVENT_GATE: Final = slice(80, 90)
_OVERRIDE: Final = int(Kind.OVERRIDE)


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


Clock = Callable[[], tuple[int, int]]  # unix ms for stamps, monotonic ms


class Ledger:
    """Safe to share between threads."""

    def __init__(self, me: Identity, log: LogWriter, clock: Clock, tail: Tail) -> None:
        self._me = me
        self._log = log
        self._clock = clock
        self._tail = tail
        self._view = View()
        self._marks: dict[Key, Mark] = {}
        self._kinds: Counter[tuple[bytes, int]] = Counter()  # (event and gate, kind)
        self._overridden: Counter[bytes] = Counter()  # own overrides by event
        self.lock = threading.RLock()

    def boot(self, software: str) -> bytes:
        """Open the next incarnation; nothing else may be written before."""
        with self.lock:
            draft = EMPTY._replace(evidence=hashing.evidence(software.encode()))
            raw = seal(writer.boot(self._tail, draft, *self._clock()), self._me.secret)
            self._log.append((Entry(raw),))
            self._tail = writer.advance(self._tail, raw)
            self._take(raw)
            return raw

    def append(self, lines: Sequence[Line]) -> list[bytes]:
        """Write records in one transaction; return them once they are durable."""
        with self.lock:
            tail = self._tail
            raws: list[bytes] = []
            entries: list[Entry] = []
            wall, monotonic = self._clock()
            for line in lines:
                record = writer.place(tail, line.record, wall, monotonic)
                if line.of is not None:
                    record = record._replace(ref=record_id(raws[line.of]))
                record, blob = _vouched(record, line)
                raw = seal(record, self._me.secret)
                tail = tail._replace(seq=record.seq, hash=record_hash(raw), hlc=record.hlc)
                raws.append(raw)
                entries.append(Entry(raw, blob))
            self._log.append(entries)
            self._tail = tail
            for raw, entry in zip(raws, entries, strict=True):
                self._take(raw)
                if entry.blob is not None:
                    self._view.prove(raw)
            return raws

    def replay(self, records: Iterable[tuple[bytes, bool]]) -> None:
        """Take in records that are on the disk, in the order of their places, each with whether
        it is proved. Proofs are checked by whoever makes `records`, with no scan waiting."""
        for raw, proved in records:
            with self.lock:
                self._take(raw)
                if proved:
                    self._view.prove(raw)

    def answers(self) -> None:
        """Return as soon as nobody is writing: a sign that writing goes on."""
        with self.lock:
            return

    def hear(
        self,
        pk: bytes,
        batch: bytes,
        blobs: Mapping[bytes, bytes],
        keys: TrustedKeys,
        roster: TrustedRoster,
    ) -> Heard:
        """Take in a batch of another device's log: checked, kept, and then counted."""
        with self.lock:
            good, fault = _checked(batch, pk, self._mark(batch))
            wanted = {each[156:188] for each in good}
            self._log.keep(good, {name: blobs[name] for name in wanted & blobs.keys()})
            for raw in good:
                self._take(raw)
                self._prove(raw, blobs.get(raw[156:188], b""), keys, roster)
            return Heard(len(good), fault)

    def history(self, event: bytes, ticket: bytes) -> History:
        """Return what is known of a ticket."""
        with self.lock:
            return self._view.history(event, ticket)

    def inside(self, event: bytes, zone: int, day: int) -> int:
        """Return how many people are in a zone, at the least, on whichever day they came."""
        with self.lock:
            present = self._view.present(event, zone)
            return present + (self._view.present(event, zone, day) if day else 0)

    def counts(self, event: bytes, gate: int) -> tuple[int, int, int]:
        """Return how many entered by a gate, left by it and were refused at it."""
        with self.lock:
            place = event + gate.to_bytes(2, "big")
            left, refused = self._kinds[place, Kind.OUT], self._kinds[place, Kind.DENY]
            return self._view.entered(event, gate), left, refused

    def overrides(self, event: bytes) -> int:
        """Return how many overrides this device wrote at an event."""
        with self.lock:
            return self._overridden[event]

    def believe(self, roster: TrustedRoster) -> None:
        """Count the records of the devices that a roster lists, as far as it lets them."""
        with self.lock:
            if roster.roster is not None:
                self._view.learn_roster(roster.version, roster.devices)

    def vector(self) -> dict[Key, Mark]:
        """Return how far each incarnation is held here."""
        with self.lock:
            return dict(self._marks)

    def summary(self) -> Summary:
        """Return the whole view, to be compared with other holders'."""
        with self.lock:
            return self._view.summary()

    def _take(self, raw: bytes) -> None:
        """Count one durable record in."""
        if self._view.add(raw) is Added.KNOWN:
            return
        key, seq = (raw[4:20], int.from_bytes(raw[20:24], "big")), int.from_bytes(raw[24:32], "big")
        if seq > self._marks.get(key, (0,))[0]:
            self._marks[key] = Mark(seq, record_hash(raw))
        self._kinds[raw[_EVENT_GATE], raw[1]] += 1
        if raw[4:20] == self._me.device:
            self._overridden[raw[80:88]] += raw[1] == _OVERRIDE
            return
        stamp = int.from_bytes(raw[64:72], "big")
        self._tail = writer.hear(self._tail, stamp, self._clock()[0])

    def _mark(self, batch: bytes) -> Mark | None:
        return self._marks.get((batch[4:20], int.from_bytes(batch[20:24], "big")))

    def _prove(self, raw: bytes, blob: bytes, keys: TrustedKeys, roster: TrustedRoster) -> None:
        if blob and proves(decode(raw), blob, keys, roster):
            self._view.prove(raw)


def _vouched(record: Record, line: Line) -> tuple[Record, tuple[bytes, bytes] | None]:
    """Return a placed record with its evidence, and the blob that this is the hash of."""
    blob = countersign(record, line.badge, line.code) if line.badge else line.blob
    if not blob:
        return record, None
    evidence = hashing.evidence(blob)
    return record._replace(evidence=evidence), (evidence, blob)


def _checked(batch: bytes, pk: bytes, held: Mark | None) -> tuple[list[bytes], Fault | None]:
    """Return the records of a batch that are new and to be kept, and what ends them."""
    new = fresh(batch, held)
    if new is None:
        return _evidence(batch, pk), Fault.FORK
    start = Head(batch[4:20], int.from_bytes(batch[20:24], "big"), *held) if held else None
    checked = verify_chain(new, pk, start)
    good = [new[at : at + SIZE] for at in range(0, len(checked.hashes) * SIZE, SIZE)]
    fault = checked.broken.fault if checked.broken else None
    if fault is Fault.FORK:
        good += _evidence(new[len(good) * SIZE :], pk)
    return good, fault


def _evidence(rest: bytes, pk: bytes) -> list[bytes]:
    """Return the records of another history that the device signed one by one."""
    raws = [rest[at : at + SIZE] for at in range(0, len(rest) - SIZE + 1, SIZE)]
    return [raw for raw, signed in zip(raws, signed_alone(rest, pk), strict=True) if signed]
