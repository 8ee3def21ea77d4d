"""A batch of redemptions of one event, in one transaction.

In this order: who asks; what they show; the tickets, locked; what is known of these; then one
decision after the other, each of which sees the records of those before it; then all records
at once; the tickets' states; the idempotency keys. Nobody is answered before the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cloud.checkins import asking, reading, states
from cloud.checkins.asking import Job
from cloud.checkins.book import Book, Books
from cloud.checkins.desk import Desk, Subject, told_of
from cloud.checkins.judging import Seen, check_form, look
from cloud.checkins.model import Redeem, Redeemed, Undo
from cloud.checkins.slots import Held
from cloud.checkins.worker import Clock, Draft, Log, Opener
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.kernel import Gatekeeper, Sealer
from shared.instant import Instant

SUPERVISOR: Final = "tickets:write"  # who may correct tickets may do a supervisor's acts
Looked = dict[Job, Seen | None]
Subjects = dict[Job, Subject]


@dataclass(frozen=True)
class Parts:
    """What every batch stands on."""

    books: Books
    gatekeeper: Gatekeeper
    sealer: Sealer
    opener: Opener
    clock: Clock


async def run(
    tx: TenantTx, jobs: Sequence[Job], parts: Parts, held: Held, log: Log | None
) -> Log | None:
    """Give each job its outcome; return the log as it is once `tx` is committed."""
    for job in jobs:
        job.outcome, job.claimed = None, False
    await asking.judge_callers(tx, parts.gatekeeper, jobs)
    await asking.claim(tx, parts.sealer, _open(jobs))
    if asked := _open(jobs):
        log = await _redeem(tx, asked, parts, held, log)
    await asking.keep(tx, parts.sealer, jobs)
    return log


def _open(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if job.outcome is None]


async def _redeem(
    tx: TenantTx, jobs: Sequence[Job], parts: Parts, held: Held, log: Log | None
) -> Log | None:
    now = Instant(parts.clock()[0])
    book = await parts.books.of(tx, jobs[0].event_id)
    if book is None:
        for job in jobs:
            job.outcome = Refusal("not_found")
        return log
    looked = {job: _look(job, book, now) for job in jobs}
    subjects = await _subjects(tx, book, {job: looked[job] for job in _open(jobs)})
    if not subjects:
        return log
    known = await reading.known(tx, book.ref, [each.hash for each in subjects.values()])
    log = log or await parts.opener.open(tx, held)
    draft = Draft(log, parts.clock)
    draft.hear(known.newest())
    fresh = book._replace(rules=book.rules._replace(issued=now.seconds))
    spent = 0
    if any(isinstance(job.asked, Redeem) and job.asked.override for job in subjects):
        spent = await reading.overrides(tx, book.ref, log.tail.device)
    desk = Desk(fresh, known, draft, now, spent)
    for job, subject in subjects.items():
        await _decide(tx, desk, job, subject)
    log = await draft.store(tx)
    await _follow(tx, desk, subjects)
    return log


def _look(job: Job, book: Book, now: Instant) -> Seen | None:
    """Return what a scan shows, None for an undo. What can't be asked is refused here."""
    if not isinstance(job.asked, Redeem):
        return None
    try:
        check_form(job.asked)
        if job.asked.supervised:
            job.need(SUPERVISOR)
        seen = look(job.asked, book, now)
    except Refusal as refusal:
        job.outcome = refusal
        return None
    if seen.fault is not None:
        job.outcome = told_of(seen)
    return seen


async def _subjects(tx: TenantTx, book: Book, looked: Looked) -> Subjects:
    """Return each job with its ticket, locked."""
    undone = {job: bytes.fromhex(job.asked.entry) for job in looked if isinstance(job.asked, Undo)}
    hashes = await reading.of_entries(tx, book.ref, list(undone.values()))
    ids = {job: _named(job, seen, book) for job, seen in looked.items()}
    wanted = {each for each in ids.values() if each is not None}
    if hashes:
        wanted.update(await reading.of_hashes(tx, book.event_id, list(hashes.values())))
    tickets = await reading.lock(tx, book.event_id, wanted)
    by_hash = {ticket.hash: ticket for ticket in tickets.values()}
    subjects: Subjects = {}
    for job, seen in looked.items():
        known_as = hashes.get(undone[job], b"") if job in undone else _hash(seen)
        named = ids[job]
        ticket = by_hash.get(known_as) if named is None else tickets.get(named)
        subjects[job] = Subject(seen, ticket, ticket.hash if ticket else known_as)
    return subjects


def _named(job: Job, seen: Seen | None, book: Book) -> UUID | None:
    """Return the ticket that a job names, if it is one of this event."""
    if isinstance(job.asked, Redeem) and job.asked.ticket_id is not None:
        return job.asked.ticket_id
    if seen is not None and seen.scan is not None and seen.scan.token.event == book.ref:
        return UUID(bytes=seen.scan.token.ticket)
    return None


def _hash(seen: Seen | None) -> bytes:
    return seen.scan.ticket_hash if seen is not None and seen.scan is not None else b""


async def _decide(tx: TenantTx, desk: Desk, job: Job, subject: Subject) -> None:
    try:
        if isinstance(job.asked, Undo):
            supervisor = job.caller is not None and job.caller.has(SUPERVISOR)
            job.outcome = desk.undo(job.asked, subject, supervisor=supervisor)
        else:
            job.outcome = desk.redeem(job.asked, subject)
    except Refusal as refusal:
        job.outcome = refusal
        return
    await _audit(tx, job, subject)


async def _audit(tx: TenantTx, job: Job, subject: Subject) -> None:
    """Write down what took more than a code. The rest is in the log."""
    ticket = f"ticket:{subject.ticket.ticket_id}" if subject.ticket else "ticket:unknown"
    if isinstance(job.asked, Undo):
        await asking.act_as(tx, job)
        await tx.audit("checkin.undone", ticket, entry=job.asked.entry)
    elif job.asked.supervised and isinstance(job.outcome, Redeemed) and job.outcome.people:
        await asking.act_as(tx, job)
        detail = {"entries": list(job.outcome.entries), "reason": job.asked.override or "by_hand"}
        await tx.audit("checkin.supervised", ticket, outcome=job.outcome.code, **detail)


async def _follow(tx: TenantTx, desk: Desk, subjects: Subjects) -> None:
    """Move the tickets to where their records say that they are, in their callers' names."""
    written = {each.ticket for each in desk.draft.written}
    stands = {hash_: desk.known.stands(hash_) for hash_ in written if hash_ in desk.known.raws}
    last = {each.ticket.hash: (job, each.ticket) for job, each in subjects.items() if each.ticket}
    by_actor: dict[str, list[tuple[Job, Subject]]] = {}
    for hash_, (job, ticket) in last.items():
        by_actor.setdefault(job.origin.actor, []).append((job, Subject(None, ticket, hash_)))
    for group in by_actor.values():
        tickets = [each.ticket for _, each in group if each.ticket]
        if states.due(tickets, stands):
            await asking.act_as(tx, group[0][0])
            await states.follow(tx, desk.book.event_id, tickets, stands)
