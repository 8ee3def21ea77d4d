"""The merged view: what a set of records means (spec/merge.md).

The view is a function of sets alone (records, proofs, and the highest manifest, generation
and roster words), so it is the same wherever the same things are known, in whatever order,
batches and repetitions they came. It takes records whose chain was checked by
`shared.log.chain`, and proofs that were checked by `shared.devices.proof`.

    view = View()
    view.add(raw)                 # Added.NEW
    view.history(event, ticket)   # for decide()
    view.findings()               # what a person must settle
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

import msgspec

from shared.devices.roster import Member
from shared.errors import Malformed
from shared.history import NOTHING, History
from shared.log.record import Kind, decode
from shared.merge.incidents import Finding, Incident
from shared.merge.logs import Incarnation, Place
from shared.merge.ticket import SILENT, TicketView, Word, history, view_ticket

TicketKey = bytes  # event 8 | ticket id hash 16
Zone = bytes  # event 8 | zone 2 | day 2
Gate = bytes  # event 8 | gate 2
ABOUT_TICKETS = frozenset({Kind.IN, Kind.OUT, Kind.OVERRIDE, Kind.ANNUL})


class Added(Enum):
    """What became of a record that was added."""

    NEW = "new"
    KNOWN = "known"
    WAITING = "waiting"  # for the record that its `prev` names


class Presence(NamedTuple):
    """People inside one zone on one day (0: the whole event)."""

    event: bytes
    zone: int
    day: int


class Summary(NamedTuple):
    """The whole view in one order, the same at every holder of the same records."""

    presence: tuple[tuple[Presence, int], ...]  # without the empty ones
    entries: tuple[tuple[bytes, int, int], ...]  # (event, gate, entries not undone)
    findings: tuple[Finding, ...]
    quarantined: tuple[tuple[Place, bytes], ...]  # (place, record id)
    unproved: tuple[bytes, ...]

    def digest(self) -> bytes:
        """Return 32 bytes that two holders compare."""
        return sha256(msgspec.msgpack.encode(self)).digest()


class View:
    """A grow-only set of records and what it means. Not safe to share between threads."""

    def __init__(self) -> None:
        self._logs: dict[tuple[bytes, int], Incarnation] = {}
        self._tickets: dict[TicketKey, list[bytes]] = {}
        self._unreadable: list[bytes] = []
        self._proved: set[bytes] = set()
        self._words: dict[TicketKey, Word] = {}
        self._roster = 0
        self._members: Mapping[bytes, Member] = {}
        # What was counted from each ticket that is not in `_stale`.
        self._stale: set[TicketKey] = set()
        self._present: Counter[Zone] = Counter()
        self._entered: Counter[Gate] = Counter()
        self._found: dict[TicketKey, TicketView] = {}

    def add(self, raw: bytes) -> Added:
        """Add one record, 256 bytes whose signature is vouched for."""
        device, incarnation, seq = _place(raw)
        log = self._logs.setdefault((device, incarnation), Incarnation())
        released = log.add(raw, seq, raw[32:64])
        if released is None:
            return Added.KNOWN
        for record in released:
            self._count_in(record)
        return Added.NEW if released else Added.WAITING

    def _count_in(self, record: bytes) -> None:
        """Give a chained record to its ticket. One that can't be read holds its place alone:
        the chain goes on behind it, and nothing in it counts (spec/log.md §3)."""
        try:
            decode(record)
        except Malformed:
            self._unreadable.append(record)
            return
        if record[1] in ABOUT_TICKETS:
            self._disturb(key := _ticket(record))
            self._tickets.setdefault(key, []).append(record)

    def prove(self, raw: bytes) -> None:
        """Note that the proof of `raw` was checked, whether or not the record is here yet."""
        self._disturb(_ticket(raw))
        self._proved.add(sha256(raw).digest()[:16])

    def learn_ticket(self, event: bytes, ticket: bytes, word: Word) -> None:
        """Take in what a manifest says: the generation only rises, a withdrawal stays."""
        key = event + ticket
        known = self._words.get(key, SILENT)
        merged = Word(max(known.gen, word.gen), known.withdrawn or word.withdrawn)
        if merged != known:
            self._disturb(key)
            self._words[key] = merged

    def learn_roster(self, version: int, members: Mapping[bytes, Member]) -> None:
        """Take in whose records count, and how far; older rosters are ignored.

        Before the first roster everybody's count; from then on those of listed devices.
        """
        if version <= self._roster:
            return
        for (device, _), log in self._logs.items():
            if not self._roster or members.get(device) != self._members.get(device):
                for raw in log.counted():
                    if raw[1] in ABOUT_TICKETS:
                        self._disturb(_ticket(raw))
        self._roster, self._members = version, members

    def knows(self, raw: bytes) -> bool:
        """Whether a record is here, also if it waits."""
        device, incarnation, seq = _place(raw)
        log = self._logs.get((device, incarnation))
        return log is not None and log.knows(raw, seq)

    def at(self, device: bytes, incarnation: int, seq: int) -> list[bytes]:
        """Return the records that are known at a place, also those that wait."""
        log = self._logs.get((device, incarnation))
        return log.at(seq) if log else []

    def end(self, device: bytes, incarnation: int) -> bytes | None:
        """Return the last record of an incarnation that is held without a gap (log.md §6)."""
        log = self._logs.get((device, incarnation))
        return log.end() if log else None

    def forked(self) -> set[tuple[bytes, int]]:
        """Return the incarnations in which a device wrote two records at one place."""
        return {key for key, log in self._logs.items() if log.split()}

    def tickets(self) -> set[TicketKey]:
        """Return every ticket that a record here is about, whether or not that counts yet."""
        waiting = (raw for log in self._logs.values() for _, raw in log.waiting())
        return {*self._tickets, *(_ticket(raw) for raw in waiting if raw[1] in ABOUT_TICKETS)}

    def ticket(self, event: bytes, ticket: bytes) -> TicketView:
        """Return one ticket, merged."""
        return self._view(event + ticket)

    def records(self, event: bytes, ticket: bytes) -> list[bytes]:
        """Return a ticket's records that count."""
        return list(self._records(event + ticket))

    def history(self, event: bytes, ticket: bytes) -> History:
        """Return one ticket as `decide()` reads it."""
        key = event + ticket
        if key not in self._tickets and key not in self._words:
            return NOTHING  # most tickets at a gate: seen for the first time
        return history(self._view(key))

    def present(self, event: bytes, zone: int, day: int = 0) -> int:
        """Return how many people are inside."""
        self._settle()
        return self._present[event + zone.to_bytes(2, "big") + day.to_bytes(2, "big")]

    def entered(self, event: bytes, gate: int) -> int:
        """Return how many entries through a gate stand."""
        self._settle()
        return self._entered[event + gate.to_bytes(2, "big")]

    def findings(self) -> list[Finding]:
        """Return every incident, sorted."""
        self._settle()
        of_tickets = (finding for view in self._found.values() for finding in view.findings)
        return sorted([*of_tickets, *self._split(), *self._truncated()])

    def quarantined(self) -> list[tuple[Place, bytes]]:
        """Return the place and id of each record that is kept and doesn't count."""
        waiting = (raw for log in self._logs.values() for _, raw in log.waiting())
        counted = (raw for log in self._logs.values() for raw in log.counted())
        cut_off = (raw for raw in counted if not self._counts(raw))
        unreadable = (raw for raw in self._unreadable if self._counts(raw))
        found = chain(waiting, cut_off, unreadable)
        return sorted((_place(raw), _id(raw)) for raw in found)

    def summary(self) -> Summary:
        """Return everything shown, in one order."""
        self._settle()
        return Summary(
            presence=tuple((_presence(k), n) for k, n in sorted(self._present.items()) if n),
            entries=tuple(
                (k[:8], int.from_bytes(k[8:], "big"), n)
                for k, n in sorted(self._entered.items())
                if n
            ),
            findings=tuple(self.findings()),
            quarantined=tuple(self.quarantined()),
            unproved=tuple(sorted(i for view in self._found.values() for i in view.unproved)),
        )

    def _counts(self, raw: bytes) -> bool:
        if not self._roster:
            return True
        member = self._members.get(raw[4:20])
        if member is None or member.cutoff is None:
            return member is not None
        _, incarnation, seq = _place(raw)
        return member.counts(incarnation, seq)

    def _records(self, key: TicketKey) -> list[bytes]:
        raws = self._tickets.get(key, [])
        return [raw for raw in raws if self._counts(raw)] if self._roster else raws

    def _view(self, key: TicketKey) -> TicketView:
        return view_ticket(self._records(key), self._proved, self._words.get(key, SILENT))

    def _disturb(self, key: TicketKey) -> None:
        """Take back what was counted from a ticket that is about to change."""
        if key not in self._stale:
            self._stale.add(key)
            self._count(key, -1)
            self._found.pop(key, None)

    def _settle(self) -> None:
        stale, self._stale = self._stale, set()  # a set once large stays slow to pop from
        for key in stale:
            self._count(key, +1)

    def _count(self, key: TicketKey, sign: int) -> None:
        raws = self._records(key)
        if not raws:
            return
        if len(raws) == 1 and raws[0][1] == Kind.IN and key not in self._words:
            raw = raws[0]  # most tickets by far: entered once, nothing to explain
            self._present[raw[80:88] + raw[90:94]] += sign
            self._entered[raw[80:90]] += sign
            return
        view = self._view(key)
        for (zone, day), pool in view.pools.items():
            where = key[:8] + zone.to_bytes(2, "big") + day.to_bytes(2, "big")
            self._present[where] += sign * pool.explained.presence
            for record in pool.entries.values():
                self._entered[key[:8] + record.gate.to_bytes(2, "big")] += sign
        if view.findings or view.unproved:
            self._found[key] = view

    def _split(self) -> Iterator[Finding]:
        """Yield one finding for each place at which a device wrote two records."""
        for (device, incarnation), log in self._logs.items():
            for seq in log.split():
                yield _of_log(Incident.EQUIVOCATION, bytes(16), device, incarnation, seq)

    def _truncated(self) -> Iterator[Finding]:
        """Yield each BOOT that follows a record which an earlier incarnation went on from."""
        boots = {(raw[4:20], raw[32:64]) for log in self._logs.values() for raw in log.at(1)}
        followed: dict[tuple[bytes, bytes], int] = {}  # since which incarnation
        for (device, incarnation), log in sorted(self._logs.items()):
            for raw in log.counted():
                if (link := (device, raw[32:64])) in boots:
                    followed.setdefault(link, incarnation)
        for (device, incarnation), log in self._logs.items():
            for boot in log.at(1):
                if followed[device, boot[32:64]] < incarnation:
                    yield _of_log(Incident.LOG_TRUNCATED, _id(boot), device, incarnation, 1)


def _id(raw: bytes) -> bytes:
    return sha256(raw).digest()[:16]


def _place(raw: bytes) -> Place:
    return Place(raw[4:20], int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big"))


def _ticket(raw: bytes) -> TicketKey:
    return raw[80:88] + raw[96:112]


def _presence(key: Zone) -> Presence:
    return Presence(key[:8], int.from_bytes(key[8:10], "big"), int.from_bytes(key[10:], "big"))


def _of_log(kind: Incident, record: bytes, device: bytes, incarnation: int, seq: int) -> Finding:
    return Finding(kind, bytes(8), bytes(16), record, device, incarnation, seq)
