"""From what is on the disk to a ledger that can go on: the start of every boot."""

from collections.abc import Iterator, Mapping

from edge.gate.clock import DeviceClock
from edge.gate.ledger import Ledger
from edge.gate.trust import Trust
from edge.store.identity import Identity
from edge.store.log import LogStore
from edge.store.mirror import Mirror
from shared.devices.proof import by_badge, proves
from shared.log.gossip import Key, Mark, missing
from shared.log.record import ZERO32, decode, signed_by
from shared.log.writer import Tail, advance


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


def ledger_of(me: Identity, log: LogStore, clock: DeviceClock, trust: Trust) -> Ledger:
    """Return the ledger of all that is on the disk. Before it writes, it has to boot."""
    ledger = Ledger(me, log, lambda: (clock.stamp_ms(), clock.monotonic()), _end(me, log))
    catch_up(ledger, me, log, trust)
    return ledger


def catch_up(ledger: Ledger, me: Identity, log: LogStore, trust: Trust) -> None:
    """Take in what is on the disk and not in the ledger, and whom the roster lists."""
    known = ledger.vector()
    fresh = log.records() if not known else _beyond(log, known)
    ledger.replay((raw, _proved(raw, me, log, trust)) for raw in fresh)
    ledger.believe(trust.roster)


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


def _proved(raw: bytes, me: Identity, log: LogStore, trust: Trust) -> bool:
    """Whether a stored record's proof is here and holds. Own codes were verified when written."""
    name = raw[156:188]
    if name == ZERO32:
        return False
    blob = log.blobs((name,)).get(name)
    if blob is None:
        return False
    record = decode(raw)
    if record.device == me.device and not by_badge(record):
        return True
    return proves(record, blob, trust.keys, trust.roster)
