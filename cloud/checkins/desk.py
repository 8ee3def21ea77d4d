"""One decision after the other on the tickets of a batch. Pure: what is written is only drafted."""

from dataclasses import dataclass
from typing import NamedTuple

from cloud.checkins import telling
from cloud.checkins.book import Book
from cloud.checkins.judging import Seen, judge, lines_of, undo_line
from cloud.checkins.model import Redeem, Redeemed, Undo, Undone
from cloud.checkins.reading import Known
from cloud.checkins.telling import NOBODY, Whose
from cloud.checkins.tickets import Ticket
from cloud.checkins.worker import Draft, Line
from cloud.errors import Refusal
from shared.history import History, Visit
from shared.instant import Instant
from shared.log.record import Kind, decode
from shared.merge.ticket import Word
from shared.outcomes import Outcome
from shared.rules.decision import Draft as Act
from shared.rules.undo import undo


class Subject(NamedTuple):
    """What a job is about. `ticket`: its row, locked; None where this event has none such."""

    seen: Seen | None  # None: an undo
    ticket: Ticket | None
    hash: bytes  # empty: nothing genuine


@dataclass(frozen=True)
class Desk:
    """Where a batch is decided."""

    book: Book
    known: Known
    draft: Draft
    now: Instant
    spent: int = 0  # overrides that this device wrote here before; the event's policy caps them

    def redeem(self, asked: Redeem, subject: Subject) -> Redeemed:
        """Return what comes of a scan; its records are drafted."""
        seen, ticket = subject.seen, subject.ticket
        if seen is None:
            raise RuntimeError("an undo is no scan")
        if asked.override is not None:
            self._check_quota(asked)
        history = self._history(subject)
        decision, scan = judge(asked, seen, ticket, self.book.rules, history, self.now)
        lines = lines_of(decision, asked, scan, seen)
        entries = self._write(lines, scan.ticket_hash)
        whose = Whose(ticket.ticket_id, ticket.attendee, ticket.seat) if ticket else NOBODY
        ours = scan.token.event == self.book.ref
        return telling.of_decision(
            decision,
            self.book.rules,
            scan.token.ticket_class if ours else None,
            whose,
            entries,
            self.known.workers,
        )

    def undo(self, asked: Undo, subject: Subject, *, supervisor: bool) -> Undone:
        """Take an entry back; the record of it is drafted."""
        history, entry = self._history(subject), bytes.fromhex(asked.entry)
        raw = self.known.raws.get(subject.hash, {}).get(entry)
        visit = _inside(history, entry)
        if raw is None or visit is None:
            raise Refusal("undo_impossible", field="/entry")
        act, own = self._undo(visit, history, supervisor=supervisor)
        self._write([undo_line(decode(raw), act, signed=not own)], subject.hash)
        return Undone(asked.entry, self.draft.written[-1].id.hex())

    def _undo(self, visit: Visit, history: History, *, supervisor: bool) -> tuple[Act, bool]:
        """Return what takes `visit` back, and whether this device's own word is enough for it.

        What one worker admitted another takes back as its own: the guest doesn't know which of
        them answered. The desk's badge vouches for that, as for a supervisor's undo.
        """
        own = visit.device == self.draft.tail.device
        online = own or visit.device in self.known.workers
        act = undo(visit, history, self.now, same_device=online, supervisor=False)
        if isinstance(act, Act):
            return act, own
        if not supervisor:
            raise Refusal("undo_supervisor", accepted="tickets:write")
        act = undo(visit, history, self.now, same_device=online, supervisor=True)
        if not isinstance(act, Act):
            raise Refusal("undo_impossible", field="/entry")
        return act, False

    def _check_quota(self, asked: Redeem) -> None:
        written = sum(each.raw[1] == Kind.OVERRIDE for each in self.draft.written)
        if self.spent + written + asked.people > self.book.rules.policy.overrides:
            raise Refusal("override_quota")

    def _history(self, subject: Subject) -> History:
        word = subject.ticket.word() if subject.ticket else Word()
        return self.known.history(subject.hash, word)

    def _write(self, lines: list[Line], ticket: bytes) -> tuple[str, ...]:
        """Draft the records and let the next decision see them; return the entries' ids."""
        entries = []
        for written in self.draft.write(lines, ticket):
            kind = written.raw[1]
            if kind in (Kind.IN, Kind.OUT, Kind.ANNUL, Kind.OVERRIDE):
                proved = bool(written.proof)
                self.known.add(ticket, written.id, written.raw, proved=proved)
            if kind in (Kind.IN, Kind.OVERRIDE):
                entries.append(written.id.hex())
        self.known.workers.add(self.draft.tail.device)
        return tuple(entries)


def told_of(seen: Seen) -> Redeemed:
    """Return what is told of a code that is not genuine."""
    code = seen.fault.code if seen.fault else ""
    if seen.let_out:
        return telling.of_outcome(Outcome.EXIT, flag=seen.outcome.code, people=1)
    return telling.of_outcome(seen.outcome, code)


def _inside(history: History, entry: bytes) -> Visit | None:
    every = (visit for pool in history.pools.values() for visit in pool.inside)
    return next((visit for visit in every if visit.id == entry), None)
