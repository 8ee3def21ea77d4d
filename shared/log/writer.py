"""The next record of a device's own log (spec/log.md §4).

A draft is a `Record` whose place, time and signature are still to come:

    draft = EMPTY._replace(kind=Kind.IN, event=event, gate=1, ...)
    record = place(tail, draft, wall_ms, monotonic_ms)
    raw = seal(record, secret_key)      # store it, and only then:
    tail = advance(tail, raw)
"""

from typing import NamedTuple

from shared.log import hlc
from shared.log.record import VERSION, ZERO32, Kind, Record, decode, record_hash


class Tail(NamedTuple):
    """Where a device's own log ends, and its clock."""

    device: bytes  # 16
    incarnation: int = 0
    seq: int = 0
    hash: bytes = ZERO32
    hlc: int = 0


def place(tail: Tail, draft: Record, wall_ms: int, monotonic_ms: int) -> Record:
    """Return `draft` at the next place of this incarnation, stamped and unsigned."""
    return draft._replace(
        version=VERSION,
        device=tail.device,
        incarnation=tail.incarnation,
        seq=tail.seq + 1,
        prev=tail.hash,
        hlc=hlc.tick(tail.hlc, wall_ms),
        monotonic=monotonic_ms,
    )


def boot(tail: Tail, draft: Record, wall_ms: int, monotonic_ms: int) -> Record:
    """Return the BOOT that opens the next incarnation, after all that was written before."""
    opened = tail._replace(incarnation=tail.incarnation + 1, seq=0)
    return place(opened, draft._replace(kind=Kind.BOOT), wall_ms, monotonic_ms)


def advance(tail: Tail, raw: bytes) -> Tail:
    """Return the tail after `raw`, the record just stored (or, at a start, the last stored)."""
    record = decode(raw)
    stamp = max(tail.hlc, record.hlc)
    return Tail(record.device, record.incarnation, record.seq, record_hash(raw), stamp)


def hear(tail: Tail, remote_hlc: int, wall_ms: int) -> Tail:
    """Return the tail after a peer's stamp was seen."""
    return tail._replace(hlc=hlc.receive(tail.hlc, remote_hlc, wall_ms))
