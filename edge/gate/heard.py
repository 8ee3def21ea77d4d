"""What others wrote, as far as they vouch for it: batches coming in, and runs going out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from shared.errors import Malformed
from shared.log.chain import MAX_BATCH, Fault
from shared.log.record import (
    ZERO32,
    Kind,
    Record,
    Shown,
    decode,
    record_hash,
    signed_by,
)
from shared.log.runs import apart as taken_apart

LARGEST_SEQ: Final = 2**53 - 1  # of a roster's cutoff (spec/devices.md §1)
_BLOB: Final = frozenset({Kind.IN, Kind.OUT, Kind.ANNUL, Kind.OVERRIDE, Kind.ATTACH, Kind.SESSION})


class Apart(NamedTuple):
    """The records of a batch that the device vouches for, and why there are no more."""

    raws: tuple[bytes, ...]
    fault: Fault | None = None


class Said(NamedTuple):
    """A record on its way into the view, and how its evidence stands."""

    raw: bytes
    here: bool = False  # the blob that it names is on the disk
    proved: bool = False  # and proves it (spec/devices.md §5)


class Heard(NamedTuple):
    """What came of one batch."""

    device: bytes | None  # None: on no roster, and passed over
    records: int  # whole ones in the batch
    new: int = 0
    known: int = 0
    waiting: int = 0  # of the new ones, those whose predecessor is not here
    fault: Fault | None = None


def apart(batch: bytes, device: bytes, pk: bytes) -> Apart:
    """Return what is kept of a batch."""
    runs, broken = taken_apart(batch, device, pk, LARGEST_SEQ)
    raws = tuple(raw for run in runs for raw in run.raws)
    return Apart(raws, broken.fault if broken else None)


def runs(raws: Iterable[bytes]) -> list[list[bytes]]:
    """Return records, in the order of their places, as runs in which each follows the one
    before: one for each incarnation, unless their device wrote two histories."""
    open_runs: dict[bytes, list[bytes]] = {}  # by the hash that the next record names
    made: list[list[bytes]] = []
    for raw in raws:
        run = open_runs.pop(raw[32:64], None)
        if run is None or raw[20:24] != run[-1][20:24]:
            made.append(run := [])
        run.append(raw)
        open_runs[record_hash(raw)] = run
    return made


def vouched(run: Sequence[bytes], pk: bytes) -> Iterator[bytes]:
    """Yield a run as batches that each end with a record which its device signed. One that ends
    with a record that is only covered (spec/log.md §3) would look forged to whoever gets it;
    what nothing covers yet is left out."""
    while run:
        count = min(len(run), MAX_BATCH)
        while count and not signed_by(run[count - 1], pk):
            count -= 1
        if not count:
            return
        yield b"".join(run[:count])
        run = run[count:]


def names_proof(raw: bytes) -> bool:
    """Whether a record means more once the blob that it names is here."""
    if raw[1] not in _BLOB or raw[156:188] == ZERO32:
        return False
    # An entry needs none, unless it raises the generation or was made by hand (log.md §1).
    return raw[1] != Kind.IN or raw[112:114] != b"\0\0" or raw[3] >> 2 & 3 == Shown.MANUAL


def readable(raw: bytes) -> Record | None:
    """Return what a record says, None where that can't be read (spec/log.md §3)."""
    try:
        return decode(raw)
    except Malformed:
        return None
