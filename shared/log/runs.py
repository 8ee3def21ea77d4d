"""A batch of one device's records, taken apart into runs: which of them the device vouches for.

A batch is as a rule one run: records of one incarnation, each following the one before, checked
with one signature (spec/log.md §3). What breaks a link and is signed begins a run of its own, since
that is what a fork, a gap and a boot look like. What is not signed, or is another device's, ends
the batch. Whether a run follows what is held decides whether it counts, not whether it is kept
(spec/merge.md §2): what comes before it may come later.

    found = apart(batch, device, pk, largest)
    found.runs                       # each from its own first record
    found.broken                     # the first record that nobody vouches for, and why
"""

from typing import Final, NamedTuple

from shared.log.chain import MAX_BATCH, Break, Fault, Head, verify_chain
from shared.log.record import SIZE

MOST_RUNS: Final = 256  # in a batch: each costs a signature
GOES_ON: Final = frozenset({Fault.INCARNATION, Fault.GAP, Fault.REPEATED, Fault.FORK})


class Run(NamedTuple):
    """Records of one incarnation that follow one another, and their hashes."""

    before: Head  # the place that the first follows
    raws: tuple[bytes, ...]
    hashes: tuple[bytes, ...]


class Apart(NamedTuple):
    """A batch, taken apart. Nothing behind `broken` was looked at."""

    runs: list[Run]
    broken: Break | None


def apart(batch: bytes, device: bytes, pk: bytes, largest: int) -> Apart:
    """Return the runs of a device's records. A seq above `largest` ends them: no honest log comes
    near it, and whoever keeps the place has no room for it."""
    runs: list[Run] = []
    at = 0
    while piece := batch[at * SIZE : (at + MAX_BATCH) * SIZE]:
        if len(piece) < SIZE:
            return Apart(runs, Break(at, Fault.TRUNCATED))
        start = _before(piece, device)
        if len(runs) == MOST_RUNS or not 0 <= start.seq < largest - MAX_BATCH:
            return Apart(runs, Break(at, Fault.GAP))
        checked = verify_chain(piece, pk, start)
        if count := len(checked.hashes):
            raws = tuple(piece[i * SIZE : (i + 1) * SIZE] for i in range(count))
            runs.append(Run(start, raws, checked.hashes))
        at += count
        broken = checked.broken
        if broken is not None and not (count and broken.fault in GOES_ON):
            return Apart(runs, Break(at, broken.fault))
    return Apart(runs, None)


def _before(piece: bytes, device: bytes) -> Head:
    """Return the place before a record, as that says itself."""
    incarnation, seq = int.from_bytes(piece[20:24], "big"), int.from_bytes(piece[24:32], "big")
    return Head(device, incarnation, seq - 1, piece[32:64])
