"""An upload taken apart: which of its records the device vouches for. Pure.

An upload is any number of runs (`shared.log.runs`). Whether one follows what is here already is
asked later, and decides what counts, not what is kept: so runs may overlap, repeat and come in
any order.
"""

from collections.abc import Iterable, Iterator, Set
from hashlib import sha256
from typing import Final, NamedTuple

from cloud.errors import Refusal
from shared.errors import Malformed
from shared.log import runs
from shared.log.chain import Fault
from shared.log.record import SIZE, decode
from shared.log.runs import apart

MOST: Final = 16_384  # records in an upload: 4 MiB
LARGEST: Final = 2**63 - 1  # of a bigint; no honest log comes near it


class Link(NamedTuple):
    """A record that others may follow: one device's, at its place."""

    incarnation: int
    seq: int
    hash: bytes


class Run(NamedTuple):
    """Records of one incarnation that follow one another, and their hashes."""

    incarnation: int
    seq: int  # of the first
    prev: bytes  # that the first follows
    raws: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    kinds: tuple[int, ...]  # 0: says nothing that can be read, and only holds its place

    @property
    def last(self) -> int:
        """The seq of the last record."""
        return self.seq + len(self.raws) - 1

    @property
    def after(self) -> Link:
        """The record that the first follows."""
        return Link(self.incarnation, self.seq - 1, self.prev)

    def links(self) -> Iterator[Link]:
        """Yield its records, as those that others may follow."""
        return (Link(self.incarnation, *each) for each in enumerate(self.hashes, self.seq))


class Broken(NamedTuple):
    """The first record that was not taken, and why: nobody vouches for it, and nothing after it
    was looked at; or it waits for others (a gap), and there is no room for more that do."""

    at: int
    fault: Fault


class Apart(NamedTuple):
    """An upload, taken apart."""

    runs: list[Run]
    broken: Broken | None


def places(runs: Iterable[Run]) -> Iterator[int]:
    """Yield where each run of an upload begins in it."""
    at = 0
    for run in runs:
        yield at
        at += len(run.raws)


def take_apart(body: bytes, device: bytes, public: bytes) -> Apart:
    """Return the runs of a device's own upload. Another device's record refuses it all."""
    if len(body) > MOST * SIZE:
        raise Refusal("body_too_large", accepted=f"at most {MOST} records")
    if any(body[at + 4 : at + 20] != device for at in range(0, len(body) - SIZE + 1, SIZE)):
        raise Refusal("log_foreign")
    return runs_of(body, device, public)


def runs_of(body: bytes, device: bytes, public: bytes) -> Apart:
    """Return the runs of a device's records. Another device's record ends them."""
    found = apart(body, device, public, LARGEST)
    return Apart(
        [_run(each) for each in found.runs], Broken(*found.broken) if found.broken else None
    )


def _run(found: runs.Run) -> Run:
    place = found.before.incarnation, found.before.seq + 1, found.before.hash
    return Run(*place, found.raws, found.hashes, tuple(map(kind_of, found.raws)))


def chained(runs: Iterable[Run], parents: Set[Link]) -> tuple[list[Run], list[Run]]:
    """Return the runs that chain to a BOOT, and those that wait. `parents`: the records that
    count already. A record follows the one at the place before its own, in its own log."""
    heirs: dict[Link, list[Run]] = {}
    ready: list[Run] = []
    for run in runs:
        if run.seq == 1 or run.after in parents:
            ready.append(run)
        else:
            heirs.setdefault(run.after, []).append(run)
    for run in ready:  # grows while it is walked
        for link in run.links() if heirs else ():
            ready += heirs.pop(link, ())
    return ready, [run for left in heirs.values() for run in left]


def fitting(waiting: Iterable[Run], room: int) -> tuple[list[Run], list[Run]]:
    """Return those of the runs that wait for which there is room, and the others."""
    kept: list[Run] = []
    left: list[Run] = []
    for run in waiting:
        if len(run.raws) <= room:
            room -= len(run.raws)
            kept.append(run)
        else:
            left.append(run)
    return kept, left


def heads(runs: Iterable[Run]) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield (incarnation, seq, hash, stamp) of each incarnation's highest record.

    Of two histories of one length that with the lower hash, as every holder of both has it
    (spec/sync.md §4).
    """
    highest: dict[int, Run] = {}
    for run in runs:
        held = highest.get(run.incarnation)
        if held is None or (run.last, held.hashes[-1]) > (held.last, run.hashes[-1]):
            highest[run.incarnation] = run
    for incarnation, run in sorted(highest.items()):
        stamp = min(int.from_bytes(run.raws[-1][64:72], "big"), LARGEST)
        yield incarnation, run.last, run.hashes[-1], stamp


def _incarnation(raws: bytes) -> int:
    return int.from_bytes(raws[20:24], "big")


def _seq(raws: bytes) -> int:
    return int.from_bytes(raws[24:32], "big")


def alone(raw: bytes) -> Run:
    """Return a record as a run of its own."""
    place = _incarnation(raw), _seq(raw), raw[32:64]
    return Run(*place, (raw,), (sha256(raw).digest(),), (kind_of(raw),))


def kind_of(raw: bytes) -> int:
    """Return what kind a record counts as: 0 if it says nothing that can be read."""
    try:
        return decode(raw).kind
    except Malformed:
        return 0
