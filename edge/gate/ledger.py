"""This device's own log, and what all logs that it has heard mean together.

Whoever appends gets records back only once they are on the disk: until then nothing in memory
has changed, and nothing may be shown. The view is a fold of records, made anew at a start.

What others wrote is checked before (`edge.gate.replica`), and taken in a few records at a time:
a scan never waits for a batch.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from edge.gate.doubts import Doubts
from edge.gate.heard import Said
from edge.gate.writing import Line as Line
from edge.gate.writing import LogWriter, vouched
from edge.gate.writing import Unwritten as Unwritten
from edge.store.identity import Identity
from edge.store.log import Entry
from shared import hashing
from shared.devices.roster import TrustedRoster
from shared.history import History
from shared.log import writer
from shared.log.gossip import Key, Mark
from shared.log.hlc import wall
from shared.log.record import EMPTY, Kind, place_of, record_hash, record_id, seal
from shared.log.writer import Tail
from shared.merge.ticket import SILENT, Word
from shared.merge.view import ABOUT_TICKETS, Added, Summary, View

AT_ONCE: Final = 256  # records that others wrote, in one transaction
HELD_FOR: Final = 64  # of them in one hold of the lock: about a millisecond
LOG: Final = logging.getLogger(__name__)
_EVENT_GATE: Final = slice(80, 90)
_OVERRIDE: Final = int(Kind.OVERRIDE)


Clock = Callable[[], tuple[int, int]]  # unix ms for stamps, monotonic ms
Words = Callable[[bytes, bytes], Word]  # event and id hash: what the manifest in force says
Listener = Callable[[Sequence[bytes], bool], None]  # records, and whether they are our own


def _silent(_event: bytes, _ticket: bytes) -> Word:
    return SILENT


class Ledger:
    """Safe to share between threads."""

    def __init__(
        self, me: Identity, log: LogWriter, clock: Clock, tail: Tail, words: Words = _silent
    ) -> None:
        self._me = me
        self._log = log
        self._clock = clock
        self._tail = tail
        self._words = words
        self._view = View()
        self._marks: dict[Key, Mark] = {}
        self._doubts = Doubts()
        self._listeners: tuple[Listener, ...] = ()
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
            self._count_in((Said(raw),))
        self._tell((raw,), own=True)
        return raw

    def stamped_ms(self) -> int:
        """Return the unix ms of the newest stamp; the next record's is above it."""
        return wall(self._tail.hlc)

    def append(self, lines: Sequence[Line]) -> list[bytes]:
        """Write records in one transaction; return them once they are durable."""
        with self.lock:
            tail = self._tail
            raws: list[bytes] = []
            entries: list[Entry] = []
            now, monotonic = self._clock()
            for line in lines:
                record = writer.place(tail, line.record, now, monotonic)
                if line.of is not None:
                    record = record._replace(ref=record_id(raws[line.of]))
                record, blob = vouched(record, line)
                raw = seal(record, self._me.secret)
                tail = tail._replace(seq=record.seq, hash=record_hash(raw), hlc=record.hlc)
                raws.append(raw)
                entries.append(Entry(raw, blob))
            self._log.append(entries)
            self._tail = tail
            self._count_in(Said(e.raw, e.blob is not None, e.blob is not None) for e in entries)
        self._tell(raws, own=True)
        return raws

    def replay(self, records: Iterable[Said]) -> None:
        """Take in records that are on the disk, in the order of their places. Proofs are checked
        by whoever makes `records`, with no scan waiting."""
        each = iter(records)
        while some := [*islice(each, AT_ONCE)]:
            with self.lock:
                self._count_in(some)

    def listen(self, listener: Listener) -> None:
        """Have `listener` called after every durable write, by the thread that wrote and with
        no lock held, with the records and whether they are this device's own. It must be quick.

        Writes of two threads may be told of in any order: a record may come before the one that
        it follows.
        """
        with self.lock:
            self._listeners = (*self._listeners, listener)

    def answers(self) -> None:
        """Return as soon as nobody is writing: a sign that writing goes on."""
        with self.lock:
            return

    def unknown(self, raws: Iterable[bytes]) -> list[bytes]:
        """Return those records that are not here yet, each once."""
        each, found = iter(dict.fromkeys(raws)), list[bytes]()
        while some := [*islice(each, AT_ONCE)]:
            with self.lock:
                found += (raw for raw in some if not self._view.knows(raw))
        return found

    def hear(self, records: Sequence[Said], blobs: Mapping[bytes, bytes]) -> int:
        """Keep records that other devices vouch for, with the blobs that they name, and count
        them; return how many wait for an earlier one. One caller at a time."""
        waiting = 0
        for start in range(0, len(records), AT_ONCE):
            some = records[start : start + AT_ONCE]
            named = {said.raw[156:188] for said in some if said.here}
            self._log.keep([said.raw for said in some], {name: blobs[name] for name in named})
            for first in range(0, len(some), HELD_FOR):
                with self.lock:
                    waiting += self._count_in(some[first : first + HELD_FOR])
            self._tell([said.raw for said in some], own=False)
        return waiting

    def unproved(self, blob: bytes | None = None) -> list[bytes]:
        """Return the records that name a blob which is not here or did not prove them: all, or
        those that name this one by its evidence hash."""
        with self.lock:
            return [*self._doubts] if blob is None else self._doubts.of(blob)

    def prove(self, blobs: Mapping[bytes, bytes], proved: Iterable[bytes]) -> None:
        """Keep blobs that came later than their records, and count what they prove."""
        if blobs:
            self._log.keep((), blobs)
        for raw in proved:
            with self.lock:
                self._view.prove(raw)
                self._doubts.settle(raw)

    def learn_ticket(self, event: bytes, ticket: bytes, word: Word) -> None:
        """Take in what a manifest says of a ticket (id hash), also if no record is here yet."""
        with self.lock:
            self._view.learn_ticket(event, ticket, word)

    def learn_words(self, tickets: Iterable[bytes] | None = None) -> None:
        """Take in what the manifests in force say of these tickets (event and id hash), or of
        all that a record is about."""
        if tickets is None:
            with self.lock:
                tickets = self._view.tickets()
        for key in tickets:
            with self.lock:
                self._ask_word(key)

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

    def forked(self) -> set[Key]:
        """Return the incarnations in which a device wrote two records at one place."""
        with self.lock:
            return self._view.forked()

    def at(self, device: bytes, incarnation: int, seq: int) -> list[bytes]:
        """Return the records at a place."""
        with self.lock:
            return self._view.at(device, incarnation, seq)

    def _count_in(self, records: Iterable[Said]) -> int:
        """Count durable records in, the lock being held; return how many of them wait."""
        keys, stamp, waiting = set(), 0, 0
        for said in records:
            if (added := self._take(said)) is not Added.KNOWN:
                waiting += added is Added.WAITING
                keys.add(place_of(said.raw)[:2])
                if said.raw[4:20] != self._me.device:
                    stamp = max(stamp, int.from_bytes(said.raw[64:72], "big"))
        for key in keys:
            if (end := self._view.end(*key)) is not None:
                self._marks[key] = Mark(place_of(end)[2], record_hash(end))
        if stamp:
            self._tail = writer.hear(self._tail, stamp, self._clock()[0])
        return waiting

    def _take(self, said: Said) -> Added:
        """Count one record in."""
        raw = said.raw
        if (added := self._view.add(raw)) is Added.KNOWN:
            return added
        self._kinds[raw[_EVENT_GATE], raw[1]] += 1
        self._overridden[raw[80:88]] += raw[1] == _OVERRIDE and raw[4:20] == self._me.device
        if raw[1] in ABOUT_TICKETS:
            self._ask_word(raw[80:88] + raw[96:112])
        if said.proved:
            self._view.prove(raw)
        self._doubts.note(said)
        return added

    def _ask_word(self, key: bytes) -> None:
        if (word := self._words(key[:8], key[8:])) != SILENT:
            self._view.learn_ticket(key[:8], key[8:], word)

    def _tell(self, raws: Sequence[bytes], *, own: bool) -> None:
        for listener in self._listeners:
            try:
                listener(raws, own)
            except Exception:  # what is written is written: no listener may undo that
                LOG.exception("a listener failed")
