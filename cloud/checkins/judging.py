"""One scan of a batch: from what was sent to a decision and the records that it takes. Pure.

The same `verify` and `decide` as at a gate. What differs: the list of tickets is the cloud's
own and never old, an admission is confirmed by the cloud, and whoever may do a supervisor's
acts is vouched for by the desk's badge instead of a person's.
"""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from cloud.checkins.book import Book
from cloud.checkins.model import REASONS, Redeem
from cloud.checkins.tickets import Ticket
from cloud.checkins.worker import Line
from cloud.errors import Refusal
from cloud.tickets.lifecycle import State
from shared.decide import by_hand, decide
from shared.errors import Refused, UsherError
from shared.history import History
from shared.instant import Instant
from shared.log.record import EMPTY, ZERO32, Bits, Confirm, Kind, Record, Shown, pack_bits
from shared.outcomes import Outcome
from shared.rules.compiled import Post, Rules
from shared.rules.decision import Admit, Ask, Decision, Draft
from shared.rules.written import written
from shared.scanner import normalise
from shared.token import parse
from shared.verify import Verified, outcome_of, verify_parsed

OTHER: Final = "other"
ANSWERS, REMARK = 1, 3  # reasons of an ATTACH (shared/spec/log.md §2)
NO_TICKET: Final = frozenset({Outcome.NOT_A_TICKET, Outcome.MALFORMED, Outcome.UNKNOWN_VERSION})


class Seen(NamedTuple):
    """What a scan shows before any ticket is looked up."""

    post: Post
    scan: Verified | None = None  # None: by hand, or no genuine ticket
    raw: bytes = b""  # the code, decoded
    fault: UsherError | None = None  # why it is not genuine

    @property
    def outcome(self) -> Outcome:
        """What staff see of a code that is not genuine."""
        return Outcome.MALFORMED if self.fault is None else outcome_of(self.fault)

    @property
    def let_out(self) -> bool:
        """Whether it is let out all the same: nobody is kept inside."""
        return self.post.exiting and self.fault is not None and self.outcome not in NO_TICKET


def check_form(asked: Redeem) -> None:
    """Refuse what contradicts itself."""
    if bool(asked.code) == (asked.ticket_id is not None):
        raise Refusal("redeem_what", field="/code", accepted="either code or ticket_id")
    if bool(asked.words.strip()) != (asked.override == OTHER):
        raise Refusal("override_words", field="/words", accepted="words with the reason `other`")


def post_of(rules: Rules, asked: Redeem) -> Post:
    """Return where the guest stands and which way they go, or refuse it."""
    gate = rules.gates.get(asked.gate)
    default = "exit" if gate is not None and gate.direction == "exit" else "entry"
    try:
        return rules.post(asked.gate, exiting=(asked.direction or default) == "exit")
    except Refused as error:
        field = "/gate" if error.code == "post_gate" else "/direction"
        raise Refusal(error.code, field=field) from None


def look(asked: Redeem, book: Book, now: Instant) -> Seen:
    """Return what is shown: a genuine ticket, or why not."""
    post = post_of(book.rules, asked)
    if asked.ticket_id is not None:
        return Seen(post)
    try:
        code = parse(normalise(asked.code))
        scan = verify_parsed(code, book.keys, now, book.freshness, None)
    except UsherError as error:
        return Seen(post, fault=error)
    return Seen(post, scan, code.raw)


def judge(
    asked: Redeem,
    seen: Seen,
    ticket: Ticket | None,
    rules: Rules,
    history: History,
    now: Instant,
) -> tuple[Decision, Verified]:
    """Decide on a genuine ticket, or on one that was picked by hand."""
    record = ticket.listed() if ticket else None
    scan = seen.scan
    if scan is None:
        if record is None:
            raise Refusal("not_found", field="/ticket_id")
        scan = by_hand(record, rules.event)
    if ticket is not None and ticket.state is State.EXPIRED:
        scan = scan._replace(token=scan.token._replace(exp=min(scan.token.exp, now.seconds)))
    ask = Ask(
        people=asked.people,
        answers=asked.answers,
        confirmed=asked.confirmed,
        supervisor=asked.supervised,
        override=_reason(asked),
    )
    return decide(scan, seen.post, rules, record, history, now, ask), scan


def lines_of(decision: Decision, asked: Redeem, scan: Verified, seen: Seen) -> list[Line]:
    """Return the records of a decision, and what is attached to the first of them."""
    bits = Bits(confirm=Confirm.CLOUD, shown=scan.shown)
    raises = isinstance(decision, Admit) and decision.raises
    lines = [
        _line(draft, written(draft, scan, seen.post, bits, manifest=0, roster=0), asked, seen.raw,
              raises=raises)
        for draft in decision.drafts
    ]  # fmt: skip
    entry = next((i for i, line in enumerate(lines) if line.record.kind != Kind.OUT), 0)
    return lines + [line._replace(of=entry) for line in _attachments(decision, asked)]


def undo_line(entry: Record, draft: Draft, *, signed: bool) -> Line:
    """Return the record that takes `entry` back: the device's own word, or the desk's."""
    record = EMPTY._replace(
        kind=Kind.ANNUL,
        bits=pack_bits(Bits(confirm=Confirm.CLOUD, shown=Shown.MANUAL)),
        event=entry.event,
        gate=entry.gate,
        zone=draft.zone,
        day=draft.day,
        ticket=entry.ticket,
        gen=entry.gen,
        ticket_class=entry.ticket_class,
        ref=draft.ref,
    )
    return Line(record, signed=signed)


def _line(draft: Draft, record: Record, asked: Redeem, code: bytes, *, raises: bool) -> Line:
    if draft.kind is Kind.OVERRIDE:
        reason = REASONS.get(asked.override or OTHER, 0) << 16 | draft.reason
        return Line(record._replace(reason=reason, evidence=ZERO32), signed=True, code=code)
    if not code:
        return Line(record._replace(evidence=ZERO32), signed=draft.kind is not Kind.DENY)
    return Line(record, blob=code if draft.kind is Kind.OUT or raises else b"")


def _attachments(decision: Decision, asked: Redeem) -> Sequence[Line]:
    """Return what travels with an admission: answers, and the words of an override."""
    if not isinstance(decision, Admit):
        return ()
    blobs = []
    if decision.answers:
        blobs.append((ANSWERS, json.dumps(dict(decision.answers), ensure_ascii=False)))
    if decision.note and asked.override == OTHER:
        blobs.append((REMARK, decision.note))
    return [_attach(reason, text.encode()) for reason, text in blobs]


def _attach(reason: int, blob: bytes) -> Line:
    bits = pack_bits(Bits(shown=Shown.MANUAL))
    return Line(EMPTY._replace(kind=Kind.ATTACH, bits=bits, reason=reason), attached=blob)


def _reason(asked: Redeem) -> str:
    return f"{OTHER}: {asked.words.strip()}" if asked.override == OTHER else asked.override or ""
