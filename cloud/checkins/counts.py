"""How many came, left and were refused, by gate, zone and minute, as a merged view has it. Pure.

Records are counted as they come, and what a merge finds not to count is taken back: that is little,
so telling how an evening goes takes no longer at its end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from shared.log import hlc
from shared.log.record import Kind, record_id
from shared.merge.view import Summary, View

LATEST: Final = 253_402_300_740  # unix seconds of the last minute that a datetime can hold
MOST_MINUTES: Final = 10_000  # the newest: a week
ENTRIES: Final = (Kind.IN, Kind.OVERRIDE)
UNDOING: Final = (Kind.OUT, Kind.ANNUL)
WHICH: Final[Mapping[int, int]] = {Kind.IN: 0, Kind.OVERRIDE: 0, Kind.OUT: 1, Kind.DENY: 2}
Key = TypeVar("Key", bytes, int)


class GateCount(msgspec.Struct, frozen=True):
    """At one gate: entries that stand, exits, refusals."""

    gate: int
    entered: int
    left: int
    refused: int


class ZoneCount(msgspec.Struct, frozen=True):
    """In one zone. `inside`: the fewest that the records allow. Day 0: the whole event."""

    zone: int
    day: int
    entered: int
    inside: int


class MinuteCount(msgspec.Struct, frozen=True):
    """In the minute that begins then, by the clocks of the gates."""

    minute: datetime
    entered: int
    left: int
    refused: int


class Tally(msgspec.Struct, frozen=True):
    """What an event's records come to."""

    records: int  # of the event, counted or not
    entered: int
    left: int
    refused: int
    gates: tuple[GateCount, ...]
    zones: tuple[ZoneCount, ...]
    minutes: tuple[MinuteCount, ...]


NOTHING: Final = Tally(0, 0, 0, 0, (), (), ())


class Counting:
    """What an event's records come to, one after the other, as if all of them counted."""

    def __init__(self, ref: bytes) -> None:
        self.ref = ref
        self.records = 0
        self.sums = _Sums()
        self.undoing: dict[bytes, bytes] = {}  # exits and annulments by id: without a proof, aside

    def add(self, raws: Iterable[bytes]) -> None:
        """Count records, each of them once; those of other events are passed over."""
        for raw in raws:
            if raw[80:88] == self.ref:
                self.records += 1
                self.sums.add(raw, 1)
                if raw[1] in UNDOING:
                    self.undoing[record_id(raw)] = raw


class _Sums:
    """Entries, exits and refusals, in this order."""

    def __init__(self) -> None:
        self.gates = Counter[bytes](), Counter[bytes](), Counter[bytes]()
        self.minutes = Counter[int](), Counter[int](), Counter[int]()
        self.zones = Counter[bytes]()  # entries, by zone and day

    def copy(self) -> "_Sums":
        """Return the same, to count on."""
        other = _Sums()
        for mine, theirs in zip(self._all(), other._all(), strict=True):
            theirs.update(mine)
        return other

    def add(self, raw: bytes, times: int) -> None:
        """Count a record, or take it back."""
        if (which := WHICH.get(raw[1])) is not None:
            self.gates[which][raw[88:90]] += times
            self.minutes[which][_minute(raw)] += times
            if which == 0:
                self.zones[raw[90:94]] += times

    def _all(self) -> "tuple[Counter[Any], ...]":
        return *self.gates, *self.minutes, self.zones


def tally(counting: Counting, view: View, summary: Summary) -> Tally:
    """Return what an event's records come to, as the view of the same records has them. `summary`:
    the view's own."""
    sums = counting.sums.copy()
    for raw in _apart(counting, view, summary):
        sums.add(raw, -1)
    minutes = [MinuteCount(_moment(at), *numbers) for at, numbers in _by(sums.minutes)]
    entered, left, refused = (each.total() for each in sums.gates)
    return Tally(
        records=counting.records,
        entered=entered,
        left=left,
        refused=refused,
        gates=tuple(GateCount(int.from_bytes(gate, "big"), *n) for gate, n in _by(sums.gates)),
        zones=_zones(summary, sums.zones, counting.ref),
        minutes=tuple(minutes[-MOST_MINUTES:]),
    )


def _apart(counting: Counting, view: View, summary: Summary) -> Iterator[bytes]:
    """Yield the records that don't count, and the entries that somebody took back."""
    aside = {
        name: raw
        for place, name in summary.quarantined
        for raw in view.at(*place)
        if raw[80:88] == counting.ref and record_id(raw) == name
    }
    undoing = counting.undoing
    aside |= {name: undoing[name] for name in summary.unproved if name in undoing}
    yield from aside.values()
    counted = (raw for name, raw in undoing.items() if name not in aside)
    for ticket in {raw[96:112] for raw in counted if raw[1] == Kind.ANNUL}:
        pools = view.ticket(counting.ref, ticket).pools.values()
        apart = {name for pool in pools for name in pool.entries} | aside.keys()
        for raw in view.records(counting.ref, ticket):
            if raw[1] in ENTRIES and record_id(raw) not in apart:
                yield raw


def _by(each: Sequence[Mapping[Key, int]]) -> Iterator[tuple[Key, list[int]]]:
    """Yield how many records of each list there are by a key, in its order."""
    for name in sorted(set().union(*each)):
        if any(numbers := [counter.get(name, 0) for counter in each]):
            yield name, numbers


def _minute(raw: bytes) -> int:
    seconds = hlc.wall(int.from_bytes(raw[64:72], "big")) // 1000
    return min(seconds // 60 * 60, LATEST)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _zones(summary: Summary, entered: Mapping[bytes, int], ref: bytes) -> tuple[ZoneCount, ...]:
    entries = {(int.from_bytes(key[:2], "big"), int.from_bytes(key[2:], "big")): n
               for key, n in entered.items() if n}  # fmt: skip
    inside = {(at.zone, at.day): n for at, n in summary.presence if at.event == ref}
    places = sorted(entries.keys() | inside.keys())
    return tuple(ZoneCount(*place, entries.get(place, 0), inside.get(place, 0)) for place in places)
