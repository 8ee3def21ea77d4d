"""Gates as pure state: each verifies, decides, writes, exchanges, checks and merges.

Everything is the real thing but the disk, the line and the clock: signed tickets, a keyset
and a roster, sealed and chained records, and proofs that whoever hears of them checks.

    gate = Gate("X", at)
    gate.scan("seat", ARENA, at)                  # a Decision; what it says is in the log
    for batch in gate.offer(other.vector()):      # what `other` lacks
        other.hear(batch, at)
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from shared import hashing
from shared.decide import decide
from shared.devices.proof import countersign, proves
from shared.history import History, Visit
from shared.instant import Instant
from shared.log import writer
from shared.log.chain import Break, Fault, Head, signed_alone, verify_chain
from shared.log.gossip import Key, Mark, Span, missing
from shared.log.record import (
    EMPTY,
    SIZE,
    Bits,
    Record,
    decode,
    record_hash,
    record_id,
    seal,
)
from shared.merge.view import View
from shared.presentation import Freshness
from shared.rules.decision import Ask, Decision, Draft
from shared.rules.undo import undo
from shared.rules.written import written
from shared.token import decode_text
from shared.verify import verify
from tests.venue import CODES, EVENT, HASHES, KEYS, LISTED, POSTS, ROSTER, RULES, pk, secret

FRESH: Final = Freshness()


class Batch(NamedTuple):
    """Records of one incarnation, and the proofs that the sender holds of them."""

    span: Span
    records: bytes
    proofs: Mapping[bytes, bytes]  # blob by record id


@lru_cache(maxsize=100_000)
def proved(raw: bytes, blob: bytes) -> bool:
    """Check a proof: the same for everybody, since all hold one keyset and one roster."""
    return proves(decode(raw), blob, KEYS, ROSTER)


class Holder:
    """Whoever keeps logs and reads them as one: the cloud, and each gate."""

    def __init__(self) -> None:
        self.logs: dict[Key, list[bytes]] = {}
        self.proofs: dict[bytes, bytes] = {}
        self.view = View()

    def history(self, ticket: str) -> History:
        """Return what is known here of a ticket."""
        return self.view.history(EVENT, HASHES[ticket])

    def visits(self, ticket: str) -> list[Visit]:
        """Return the entries known here that stand, closed or not."""
        pools = self.view.ticket(EVENT, HASHES[ticket]).pools.values()
        return [
            Visit(i, r.zone, r.day, r.gate, r.device, r.hlc >> 16, r.ref)
            for pool in pools
            for i, r in pool.entries.items()
        ]

    def vector(self) -> dict[Key, Mark]:
        """Return how far each log is held."""
        return {key: Mark(len(log), record_hash(log[-1])) for key, log in self.logs.items()}

    def offer(self, theirs: Mapping[Key, Mark]) -> Iterator[Batch]:
        """Yield what another holder lacks."""
        for span in missing(self.vector(), theirs):
            records = self.logs[span.device, span.incarnation][span.after : span.upto]
            ids = filter(self.proofs.__contains__, map(record_id, records))
            yield Batch(span, b"".join(records), {i: self.proofs[i] for i in ids})

    def hear(self, batch: Batch, _at: Instant) -> int:
        """Check a batch and keep what is good of it; return the newest stamp in that."""
        key = batch.span.device, batch.span.incarnation
        held = self.logs.get(key, [])
        records = batch.records[max(0, len(held) - batch.span.after) * SIZE :]
        if not records:
            return 0
        start = Head(*key, len(held), record_hash(held[-1])) if held else None
        member = ROSTER.devices[batch.span.device]
        checked = verify_chain(records, member.pk, start)
        raws = [records[at : at + SIZE] for at in range(0, len(records), SIZE)]
        if checked.broken:  # a letter before this one was lost or is late; nothing else goes wrong
            assert checked.broken == Break(0, Fault.GAP)
            assert all(signed_alone(records, member.pk))
            for raw in raws:
                self.view.add(raw)
            return 0
        for raw in raws:
            self.keep(key, raw, batch.proofs.get(record_id(raw), b""))
        return max(decode(raw).hlc for raw in raws)

    def keep(self, key: Key, raw: bytes, blob: bytes) -> None:
        """Store one checked record, and its proof if it is one."""
        self.logs.setdefault(key, []).append(raw)
        self.view.add(raw)
        if blob and proved(raw, blob):
            self.proofs[record_id(raw)] = blob
            self.view.prove(raw)


class Gate(Holder):
    """One device. Staff post it anywhere; `at` is what its own clock says."""

    def __init__(self, name: str, at: Instant) -> None:
        super().__init__()
        self._secret = secret(name)
        self.tail = writer.Tail(hashing.device_id(pk(name)))
        self.boot(at)

    def scan(
        self, ticket: str, zone: int, at: Instant, *, exiting: bool = False, people: int = 1
    ) -> Decision:
        """Decide one scan, and write what was decided."""
        scan = verify(CODES[ticket], KEYS, at, FRESH)
        post, known = POSTS[zone, exiting], self.history(ticket)
        decision = decide(scan, post, RULES, LISTED[ticket], known, at, Ask(people=people))
        for draft in decision.drafts:
            record = written(draft, scan, post, Bits(), manifest=1, roster=1)
            self._write(writer.place(self.tail, record, at.ms, 0), decode_text(CODES[ticket]))
        return decision

    def undo(self, ticket: str, visit: Visit, at: Instant, *, supervisor: bool) -> bool:
        """Take an entry back, if this device or the supervisor's badge may."""
        same = visit.device == self.tail.device
        known = self.history(ticket)
        draft = undo(visit, known, at, same_device=same, supervisor=supervisor)
        if not isinstance(draft, Draft):
            return False
        scan = verify(CODES[ticket], KEYS, at, FRESH)
        post = POSTS[visit.zone, False]
        record = written(draft, scan, post, Bits(), manifest=1, roster=1)
        record = writer.place(self.tail, record, at.ms, 0)
        blob = countersign(record, secret("badge")) if supervisor else b""
        evidence = hashing.evidence(blob) if supervisor else record.evidence
        self._write(record._replace(evidence=evidence), blob)
        return True

    def boot(self, at: Instant) -> None:
        """Start again from what was stored."""
        logs, proofs = self.logs, self.proofs
        Holder.__init__(self)
        for key, log in logs.items():
            for raw in log:
                self.keep(key, raw, proofs.get(record_id(raw), b""))
        self._write(writer.boot(self.tail, EMPTY, at.ms, 0), b"")

    def hear(self, batch: Batch, at: Instant) -> int:
        """Take a batch in, and let the clock follow its stamps."""
        newest = super().hear(batch, at)
        self.tail = writer.hear(self.tail, newest, at.ms)
        return newest

    def _write(self, record: Record, blob: bytes) -> None:
        raw = seal(record, self._secret)
        self.tail = writer.advance(self.tail, raw)
        self.keep((record.device, record.incarnation), raw, blob)


def exchange(source: Holder, target: Holder, at: Instant) -> None:
    """Let `target`, whose clock says `at`, hear all that it lacks of `source`."""
    for batch in source.offer(target.vector()):
        target.hear(batch, at)
