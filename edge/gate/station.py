"""The station: every source hands it the text of a code, and it says what to show.

The one path that matters, in this order: is this lane open; is the code genuine
(`shared.verify`); may it pass (`shared.decide`); is it written down, durably; and only then a
verdict. Nothing before the last step can look green, and no fault of storage can.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from edge.gate import telling
from edge.gate.acts import Act
from edge.gate.bus import Bus
from edge.gate.claiming import (
    UNCONTESTED,
    Claim,
    Claiming,
    Over,
    Standing,
    uncontested,
    unheeded,
)
from edge.gate.clock import DeviceClock
from edge.gate.counted import Counted
from edge.gate.lanes import Lane, Lanes
from edge.gate.ledger import Ledger
from edge.gate.lines import lines_of
from edge.gate.pending import NOBODY, Pending
from edge.gate.staff import Staff
from edge.gate.trust import Book, Trust, sealed_name
from edge.gate.verdict import Verdict
from edge.store.database import StorageFailed
from edge.store.documents import DocumentStore
from edge.store.identity import Identity
from edge.store.incidents import IncidentStore
from shared.decide import decide
from shared.errors import UsherError
from shared.history import History
from shared.log.record import ZERO16, Bits, Kind, record_id
from shared.manifest.sealed import Name, open_sealed
from shared.outcomes import Outcome
from shared.presentation import Freshness
from shared.rules.compiled import Post
from shared.rules.decision import Admit, Ask, Decision, Hold
from shared.scanner import normalise
from shared.token import Parsed, parse
from shared.verify import OUTCOMES, outcome_of, verify_parsed

MOST_PENDING: Final = 20
ROUNDS: Final = 4  # claims for one scan, each after another gate was first
LOCKS: Final = 64  # tickets that share one are decided one after the other: seldom, and harmless
NO_TICKET: Final = frozenset(
    {Outcome.NOT_A_TICKET, Outcome.MALFORMED, Outcome.UNKNOWN_VERSION, Outcome.SEVERAL_CODES}
)
TYPED: Final = ("keyboard", "serial")
NOT_MEANT: Final = frozenset(
    code
    for code, outcome in OUTCOMES.items()
    if outcome in NO_TICKET or outcome in (Outcome.UNKNOWN_ISSUER, Outcome.BAD_SIGNATURE)
)


def as_it_came(text: str) -> tuple[str, ...]:
    """Return what a reader meant, where nobody undoes keyboard layouts."""
    return (normalise(text),)


@dataclass(frozen=True)
class Parts:
    """What a station is made of."""

    me: Identity
    trust: Callable[[], Trust]
    documents: DocumentStore
    incidents: IncidentStore
    ledger: Ledger
    clock: DeviceClock
    lanes: Lanes
    staff: Staff
    bus: Bus
    locked: Callable[[], str]  # why this device may not admit, or nothing
    seconds: Callable[[], float]  # monotonic
    new_id: Callable[[], str]  # 16 hex digits
    meant: Callable[[str], Iterable[str]] = as_it_came  # by a reader, whatever its layout


class Station:
    """Safe to call from any thread. `claim` and `over` are set by whoever connects the gate to
    others."""

    def __init__(self, parts: Parts) -> None:
        self._ = parts
        self.claim: Claim = uncontested
        self.over: Over = unheeded
        self._locks = [threading.Lock() for _ in range(LOCKS)]
        self.refused = Counted()
        self.storage_failed = False

    def scan(self, text: str, lane: str, source: str, people: int = 1) -> Verdict:
        """Return what comes of one reading, having told everybody."""
        return self._scan([text], self._.lanes.lane(lane), source, Act(people=people))

    def scan_several(self, texts: Sequence[str], lane: str, source: str) -> Verdict:
        """Return what comes of one picture: with several codes in it, which is meant?"""
        return self._scan(texts, self._.lanes.lane(lane), source, Act())

    def decide_again(self, lane: Lane, pending: Pending) -> Verdict:
        """Return what comes of a scan now that staff have said more; `lane` is held."""
        self._.staff.active(lane)
        return self.publish(lane, self._decided(lane, pending))

    def history(self, lane: Lane, event: bytes, ticket: bytes) -> History:
        """Return what is known of a ticket, in practice or for real."""
        return self.ledger(lane).history(event, ticket)

    def ledger(self, lane: Lane) -> Ledger:
        """Return where a lane writes."""
        return lane.practice or self._.ledger

    def alone(self, ticket: bytes) -> threading.Lock:
        """Return what to hold while a ticket is decided on: no other lane does then."""
        return self._locks[ticket[0] % LOCKS]

    def tell(self, lane: Lane, source: str, told: dict[str, Any]) -> Verdict:
        """Return a new verdict at a lane; nobody has heard of it yet."""
        challenge = lane.challenged(self._.seconds())
        return Verdict(
            scan=self._.new_id(),
            lane=lane.id,
            at=self._.clock.stamp_ms(),
            source=source,
            exiting=bool(lane.choice and lane.choice.exiting),
            practice=lane.practice is not None,
            challenge=challenge.hex() if challenge else "",
            **told,
        )

    def publish(self, lane: Lane, verdict: Verdict) -> Verdict:
        """Tell everybody."""
        lane.shown = verdict
        lane.recent.appendleft(verdict)
        self._.bus.publish(verdict)
        return verdict

    def _scan(self, texts: Sequence[str], lane: Lane, source: str, act: Act) -> Verdict:
        read = self._meant if source.startswith(TYPED) else normalise
        distinct = sorted({read(text) for text in texts})
        with lane.lock:
            key, now = "\n".join(distinct), self._.seconds()
            standing = lane.repeats.by_text(key, source, now)
            if standing is not None:
                return repeated(standing)
            verdict = self._judge(distinct, key, lane, source, act)
            return verdict if verdict.repeat else self.publish(lane, verdict)

    def _meant(self, text: str) -> str:
        """Return the code that a reader meant: the first that an issuer signed, if there is one."""
        trusted, now = self._.trust().keys, self._.clock.now()
        first, *others = self._.meant(text)
        for code in (first, *others) if others else ():
            try:
                verify_parsed(parse(code), trusted, now, Freshness(), None)
            except UsherError as error:
                if error.code in NOT_MEANT:
                    continue
            return code
        return first

    def _judge(self, texts: Sequence[str], key: str, lane: Lane, source: str, act: Act) -> Verdict:
        posts = self._.lanes.posts(lane)
        if why := self._closed(lane, posts):
            closed = telling.of_outcome(Outcome.GATE_LOCKED, why)
            return self._noted(key, lane, self.tell(lane, source, closed))
        self._.staff.active(lane)
        post = next(iter(posts.values()))
        if len(texts) != 1:
            return self._unproved(key, lane, source, Outcome.SEVERAL_CODES, "")
        try:
            parsed = parse(texts[0])
            post = posts.get(parsed.token.event, post)
            return self._genuine(texts[0], parsed, lane, source, act, post)
        except UsherError as error:
            outcome = outcome_of(error)
            if post.exiting and outcome not in NO_TICKET:
                return self._let_out(key, lane, source, outcome, error.code)
            return self._unproved(key, lane, source, outcome, error.code)

    def _genuine(
        self, text: str, parsed: Parsed, lane: Lane, source: str, act: Act, post: Post
    ) -> Verdict:
        """Return the verdict on a ticket; raises what `verify` does."""
        trust, now = self._.trust(), self._.clock.now()
        book, seconds = trust.books.get(post.event), self._.seconds()
        freshness = book.freshness if book else Freshness()
        challenge = lane.challenged(seconds)
        scan = verify_parsed(parsed, trust.keys, now, freshness, challenge)
        subject = scan.token.event + scan.token.ticket
        lane.repeats.showed(text, subject)
        standing = lane.repeats.find(subject, source, seconds)
        if standing is not None:
            return repeated(standing)
        if challenge is not None:
            lane.challenge = None  # answered, and never again
        name = self._name(book, scan.ticket_hash, parsed)
        return self._decided(lane, Pending(scan, parsed.raw, source, name, act))

    def _closed(self, lane: Lane, posts: dict[bytes, Post]) -> str:
        """Return why nothing can be admitted at a lane, or nothing."""
        if why := self._.locked():
            return why
        if lane.duty is None and not lane.unattended:
            return "not_signed_in"
        return "" if posts else "post_missing"

    def _decided(self, lane: Lane, pending: Pending) -> Verdict:
        """Decide, write, and only then tell."""
        scan, posts = pending.scan, self._.lanes.posts(lane)
        post = posts.get(scan.token.event) or next(iter(posts.values()), None)
        book = self._.trust().books.get(post.event) if post else None
        if (why := self._closed(lane, posts)) or post is None or book is None:
            locked = telling.of_outcome(Outcome.GATE_LOCKED, why or "no_manifest")
            return self.tell(lane, pending.source, locked)
        with self.alone(scan.ticket_hash):
            try:
                decision, standing = self._agreed(lane, pending, book, post)
                raws = self._write(lane, pending, decision, standing, book, post)
            except StorageFailed:
                self.storage_failed = True
                failed = telling.of_outcome(Outcome.STORAGE_FAILED)
                return self._noted(_subject(pending), lane, self.tell(lane, pending.source, failed))
            finally:
                self.over(scan.ticket_hash)
        told = telling.of_decision(decision, scan, book, pending.name, self._.me.device)
        verdict = self.tell(lane, pending.source, told)
        entries = (raw for raw in raws if raw[1] in (Kind.IN, Kind.OVERRIDE))
        held = isinstance(decision, Hold)
        self._keep(lane, verdict, _after(pending, tuple(map(record_id, entries)), held=held))
        return verdict

    def _agreed(
        self, lane: Lane, pending: Pending, book: Book, post: Post
    ) -> tuple[Decision, Standing]:
        """Return a decision whose rights were claimed, and how far others agreed to it."""
        decision, standing = self._ask(lane, pending, book, post), UNCONTESTED
        claimed: tuple[bytes, ...] = ()
        for _ in range(ROUNDS):
            rights = decision.rights if isinstance(decision, Admit) else ()
            if lane.practice is not None or rights in ((), claimed):
                return decision, standing
            ticket = pending.scan.ticket_hash
            standing = self.claim(Claiming(post.event, ticket, rights))
            claimed = () if standing.held else rights
            decision = self._ask(lane, pending, book, post)  # by what came in meanwhile
        return decision, Standing(degraded=True)

    def _ask(self, lane: Lane, pending: Pending, book: Book, post: Post) -> Decision:
        scan, act = pending.scan, pending.act
        history = self.history(lane, post.event, scan.ticket_hash)
        record = book.find(scan.ticket_hash) if scan.token.event == post.event else None
        ask = Ask(
            people=max(1, act.people),
            answers=act.answers,
            confirmed=act.confirmed,
            supervisor=bool(pending.badge),
            override=act.override,
            day=act.day,
        )
        return decide(scan, post, book.rules, record, history, self._.clock.now(), ask)

    def _write(
        self,
        lane: Lane,
        pending: Pending,
        decision: Decision,
        standing: Standing,
        book: Book,
        post: Post,
    ) -> list[bytes]:
        """Make what was decided durable; return the records."""
        if not decision.drafts:
            return []
        time = self._.clock.quality()
        bits = Bits(standing.confirm, pending.scan.shown, time, standing.degraded)
        roster = self._.trust().roster.version if standing.roster is None else standing.roster
        versions = book.manifest.head.version, roster
        session = lane.duty.id if lane.duty else ZERO16
        raws = self.ledger(lane).append(lines_of(decision, pending, post, bits, versions, session))
        self.storage_failed = False
        return raws

    def _let_out(self, key: str, lane: Lane, source: str, outcome: Outcome, code: str) -> Verdict:
        """Nobody is kept inside: what can't be recorded is counted."""
        self._count(lane, code)
        told = telling.of_outcome(Outcome.EXIT) | {"flag": outcome.code, "people": 1}
        return self._noted(key, lane, self.tell(lane, source, told))

    def _unproved(self, key: str, lane: Lane, source: str, outcome: Outcome, code: str) -> Verdict:
        """Tell of what is no genuine ticket; it is counted, and neither shown nor logged."""
        self._count(lane, code or outcome.code)
        return self._noted(key, lane, self.tell(lane, source, telling.of_outcome(outcome, code)))

    def _count(self, lane: Lane, code: str) -> None:
        if lane.practice is None:
            self.refused.add(code)

    def _name(self, book: Book | None, ticket: bytes, parsed: Parsed) -> Name:
        """Return whose ticket it is, as far as that is known. Not knowing stops nothing."""
        if book is None or parsed.token.event != book.rules.event:
            return NOBODY
        try:
            blob = sealed_name(book, ticket, self._.documents)
            return open_sealed(blob, parsed.ticket) if blob else NOBODY
        except (UsherError, StorageFailed):
            return NOBODY

    def _keep(self, lane: Lane, verdict: Verdict, pending: Pending) -> None:
        """Remember a scan that staff may act upon."""
        lane.pending[verdict.scan] = pending
        while len(lane.pending) > MOST_PENDING:
            lane.pending.popitem(last=False)
        self._noted(_subject(pending), lane, verdict)

    def _noted(self, subject: str | bytes, lane: Lane, verdict: Verdict) -> Verdict:
        lane.repeats.note(subject, verdict, self._.seconds())
        return verdict


def _subject(pending: Pending) -> bytes:
    return pending.scan.token.event + pending.scan.token.ticket


def _after(pending: Pending, admitted: tuple[bytes, ...], *, held: bool) -> Pending:
    """Return a scan as staff may go on with it: unless something is still to be done for it,
    what a supervisor signed is used up."""
    if held:
        return pending
    plain = Act(answers=pending.act.answers, confirmed=pending.act.confirmed)
    return pending._replace(admitted=admitted, badge=b"", act=plain)


def repeated(verdict: Verdict) -> Verdict:
    """Return a verdict that still stands. Nobody passes by it: whoever opens a gate by `people`
    opens it once."""
    return msgspec.structs.replace(verdict, repeat=True, people=0)
