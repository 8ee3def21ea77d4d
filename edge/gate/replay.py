"""From what is on the disk to a ledger that can go on: the start of every boot."""

from edge.gate.clock import DeviceClock
from edge.gate.ledger import Ledger
from edge.gate.trust import Trust
from edge.store.identity import Identity
from edge.store.log import LogStore
from edge.store.mirror import Mirror
from shared.devices.proof import by_badge, proves
from shared.log.chain import Head, verify_chain
from shared.log.record import decode
from shared.log.writer import Tail, advance

_FIRST = (1).to_bytes(8, "big")


def bring_back(me: Identity, log: LogStore, mirror: Mirror) -> int:
    """Write own records again that the mirror has and the database has lost; return how many.

    Only what continues the chain that is there, with this device's own signature, counts.
    """
    behind, lost = _end(me, log), []
    for raw in mirror.read():
        if raw[4:20] != me.device or raw[32:64] != behind.hash:
            continue
        boots = raw[24:32] == _FIRST
        start = None if boots else Head(me.device, behind.incarnation, behind.seq, behind.hash)
        if verify_chain(raw, me.pk, start).hashes:
            lost.append(raw)
            behind = advance(behind, raw)
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
    ledger.replay(log.records(), lambda raw: _proved(raw, me, log, trust))
    ledger.believe(trust.roster)


def _end(me: Identity, log: LogStore) -> Tail:
    last = log.last(me.device)
    return Tail(me.device) if last is None else advance(Tail(me.device), last)


def _proved(raw: bytes, me: Identity, log: LogStore, trust: Trust) -> bool:
    """Whether a stored record's proof is here and holds. Own codes were verified when written."""
    name = raw[156:188]
    blob = log.blobs((name,)).get(name)
    if blob is None:
        return False
    record = decode(raw)
    if record.device == me.device and not by_badge(record):
        return True
    return proves(record, blob, trust.keys, trust.roster)
