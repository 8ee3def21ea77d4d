"""From what is on the disk to a ledger that can go on: the start of every boot."""

from collections.abc import Callable, Container, Iterator, Mapping

from edge.gate.clock import DeviceClock
from edge.gate.heard import Said, names_proof, readable
from edge.gate.ledger import Ledger, Words
from edge.gate.touching import key_of
from edge.gate.trust import Trust
from edge.store.identity import Identity
from edge.store.log import LogStore
from edge.store.mirror import Mirror
from shared.devices.proof import by_badge, proves
from shared.log.gossip import Key, Mark, missing
from shared.log.record import signed_by
from shared.log.writer import Tail, advance
from shared.manifest.ticket import FINAL
from shared.merge.ticket import SILENT, Word


def bring_back(me: Identity, log: LogStore, mirror: Mirror) -> int:
    """Write own records again that the mirror has and the database has lost; return how many.

    Each counts by this device's own signature. What the cloud has confirmed is not in the
    mirror: a gate that has lost that too goes on behind it, and gets it back from the cloud.
    """
    log.drop_rotten()
    lost = [
        raw
        for raw in mirror.read()
        if raw[4:20] == me.device and raw not in _held(log, raw) and signed_by(raw, me.pk)
    ]
    if lost:
        log.keep(lost, {})
    return len(lost)


def ledger_of(
    me: Identity,
    log: LogStore,
    clock: DeviceClock,
    trust: Callable[[], Trust],
    only: Container[Key] | None = None,
) -> Ledger:
    """Return the ledger of all that is on the disk, or of some incarnations, to look at. Before it
    writes, it has to boot. `trust` gives what is in force at any moment."""
    stamps = clock.stamp_ms, clock.monotonic
    end, words = _end(me, log), words_of(trust)
    ledger = Ledger(me, log, lambda: (stamps[0](), stamps[1]()), end, words)
    catch_up(ledger, me, log, trust(), only)
    return ledger


def words_of(trust: Callable[[], Trust]) -> Words:
    """Return what the manifests in force say of tickets, as the cloud says it to its own view:
    generation, and whether the ticket is withdrawn for good (spec/merge.md, at the start)."""

    def word(event: bytes, ticket: bytes) -> Word:
        book = trust().books.get(event)
        listed = book.find(ticket) if book is not None else None
        return SILENT if listed is None else Word(listed.gen, listed.status in FINAL)

    return word


def catch_up(
    ledger: Ledger,
    me: Identity,
    log: LogStore,
    trust: Trust,
    only: Container[Key] | None = None,
) -> None:
    """Take in what is on the disk and not in the ledger, whom the roster lists, what manifests
    say, and which proofs hold by the keys that are in force now (spec/devices.md §5)."""
    known = ledger.vector()
    fresh = log.records() if not known else _beyond(log, known)
    ledger.replay(
        _said(raw, me, log, trust) for raw in fresh if only is None or key_of(raw) in only
    )
    ledger.believe(trust.roster)
    if known:
        ledger.learn_words()
        judge_again(ledger, me, log, trust)


def judge_again(ledger: Ledger, me: Identity, log: LogStore, trust: Trust) -> None:
    """Count the proofs that hold by newer keys, or a newer roster, and did not before."""
    ledger.prove({}, (raw for raw in ledger.unproved() if _said(raw, me, log, trust).proved))


def _beyond(log: LogStore, known: Mapping[Key, Mark]) -> Iterator[bytes]:
    """Yield the records that come after those of a ledger, and each device's second histories."""
    for span in missing(log.vector(), known):
        yield from log.span(span)
    yield from log.forks()


def _held(log: LogStore, raw: bytes) -> list[bytes]:
    place = int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big")
    return log.at(raw[4:20], *place)


def _end(me: Identity, log: LogStore) -> Tail:
    last = log.last(me.device)
    return Tail(me.device) if last is None else advance(Tail(me.device), last)


def _said(raw: bytes, me: Identity, log: LogStore, trust: Trust) -> Said:
    """Return a stored record, and whether its proof is here and holds. Own codes were verified
    when they were written."""
    name = raw[156:188]
    blob = log.blobs((name,)).get(name) if names_proof(raw) else None
    record = None if blob is None else readable(raw)
    if blob is None or record is None:
        return Said(raw)
    own = record.device == me.device and not by_badge(record)
    return Said(raw, here=True, proved=own or proves(record, blob, trust.keys, trust.roster))
