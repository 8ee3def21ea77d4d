"""How many came, left and were refused, by gate, zone and minute, as a merged view has it. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from shared.log import hlc
from shared.log.record import Kind, record_id
from shared.merge.view import Summary, View

LATEST: Final = 253_402_300_740  # unix seconds of the last minute that a datetime can hold
MOST_MINUTES: Final = 10_000  # the newest: a week
ENTRIES: Final = (Kind.IN, Kind.OVERRIDE)


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


def tally(view: View, summary: Summary, raws: Iterable[bytes], ref: bytes) -> Tally:
    """Count an event's records, as its view has them. `summary`: the view's own."""
    ours = [raw for raw in raws if raw[80:88] == ref]
    aside = {name for _, name in summary.quarantined} | set(summary.unproved)
    counted = [raw for raw in ours if record_id(raw) not in aside] if aside else ours
    entered = list(_standing(view, counted, ref))
    left = [raw for raw in counted if raw[1] == Kind.OUT]
    refused = [raw for raw in counted if raw[1] == Kind.DENY]
    each = entered, left, refused
    minutes = [MinuteCount(_moment(at), *numbers) for at, numbers in _by(each, _minute)]
    return Tally(
        records=len(ours),
        entered=len(entered),
        left=len(left),
        refused=len(refused),
        gates=tuple(GateCount(gate, *numbers) for gate, numbers in _by(each, _gate)),
        zones=_zones(summary, entered, ref),
        minutes=tuple(minutes[-MOST_MINUTES:]),
    )


def _standing(view: View, counted: Sequence[bytes], ref: bytes) -> Iterator[bytes]:
    """Yield the entries that nobody took back."""
    doubtful = {raw[96:112] for raw in counted if raw[1] == Kind.ANNUL}
    standing = {
        name
        for ticket in doubtful
        for pool in view.ticket(ref, ticket).pools.values()
        for name in pool.entries
    }
    for raw in counted:
        if raw[1] in ENTRIES and (raw[96:112] not in doubtful or record_id(raw) in standing):
            yield raw


def _by(
    each: Sequence[Sequence[bytes]], key: Callable[[bytes], int]
) -> Iterator[tuple[int, list[int]]]:
    """Yield how many records of each list there are by a key, in its order."""
    numbers = [Counter(map(key, raws)) for raws in each]
    for name in sorted(set().union(*numbers)):
        yield name, [counter[name] for counter in numbers]


def _gate(raw: bytes) -> int:
    return int.from_bytes(raw[88:90], "big")


def _minute(raw: bytes) -> int:
    seconds = hlc.wall(int.from_bytes(raw[64:72], "big")) // 1000
    return min(seconds // 60 * 60, LATEST)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _zones(summary: Summary, entered: Iterable[bytes], ref: bytes) -> tuple[ZoneCount, ...]:
    entries: Counter[tuple[int, int]] = Counter()
    for raw in entered:
        entries[int.from_bytes(raw[90:92], "big"), int.from_bytes(raw[92:94], "big")] += 1
    inside = {(at.zone, at.day): n for at, n in summary.presence if at.event == ref}
    places = sorted(entries.keys() | inside.keys())
    return tuple(ZoneCount(*place, entries[place], inside.get(place, 0)) for place in places)
