"""A batch of redemptions of one event, in one transaction; plain ones at first without.

In this order: who asks, what they show, the tickets, locked, and what is known of these; then
one decision after the other, each of which sees the records of those before it; then all
records at once with the tickets' states, and who is told of them; the idempotency keys. Nobody
is answered before the commit.
"""

from collections.abc import Mapping, Sequence

from cloud.checkins import announcing, asking, reading, states
from cloud.checkins.asking import Job
from cloud.checkins.desk import Desk, Subject
from cloud.checkins.gathering import SUPERVISOR, Gathered, Parts, gather, glance, is_plain
from cloud.checkins.model import Redeem, Redeemed, Undo
from cloud.checkins.slots import Held
from cloud.checkins.tickets import Ticket
from cloud.checkins.worker import Draft, Log, Moves, Read
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from shared.instant import Instant


async def run(
    tx: TenantTx, jobs: Sequence[Job], parts: Parts, held: Held, log: Log | None
) -> Log | None:
    """Give each job its outcome; return the log as it is once `tx` is committed."""
    for job in jobs:
        job.outcome, job.claimed = None, False
    judged = not all(is_plain(job) for job in jobs)
    if judged:
        await asking.judge_callers(tx, parts.gatekeeper, jobs)
        await asking.claim(tx, parts.sealer, [job for job in jobs if job.outcome is None])
    now = Instant(parts.clock()[0])
    if gathered := await gather(tx, jobs, parts, now, judged=judged):
        log = log or await parts.opener.open(tx, held)
        log = await _redeem(tx, gathered, parts, log, now)
    await asking.keep(tx, parts.sealer, jobs)
    return log


async def run_lightly(tx: TenantTx, jobs: Sequence[Job], parts: Parts, log: Log) -> Log | None:
    """Do the same for one caller's plain scans, in two round trips with no transaction around
    them: one reads, and the other stores, if nobody has changed meanwhile what was read. None:
    nothing is stored, and the batch is to be run as any other."""
    if not all(is_plain(job) for job in jobs):
        return None
    for job in jobs:
        job.outcome, job.claimed = None, False
    now = Instant(parts.clock()[0])
    gathered = await glance(tx, jobs, parts, now)
    if gathered is None:
        return None
    desk = _desk(gathered, parts, log, now)
    for job, subject in gathered.subjects.items():
        await _decide(tx, desk, job, subject)
    moves = _moves(desk, gathered.subjects)
    if len(moves) > 1 or desk.draft.has_blobs:
        return None
    opened = gathered.opened
    read = Read(
        tx.origin.actor, desk.book.event_id, list(opened.versions), list(opened.versions.values()),
        desk.book.ref, opened.about, opened.written,
    )  # fmt: skip
    return await desk.draft.commit(tx, moves[0] if moves else None, read)


async def _redeem(tx: TenantTx, gathered: Gathered, parts: Parts, log: Log, now: Instant) -> Log:
    subjects = gathered.subjects
    spent = 0
    if any(isinstance(job.asked, Redeem) and job.asked.override for job in subjects):
        spent = await reading.overrides(tx, gathered.book.ref, log.tail.device)
    desk = _desk(gathered, parts, log, now, spent)
    for job, subject in subjects.items():
        await _decide(tx, desk, job, subject)
    stored = await _store(tx, desk, subjects)
    if gathered.opened.heard:
        await announcing.tell(tx, [each.raw for each in desk.draft.written])
    return stored


def _desk(gathered: Gathered, parts: Parts, log: Log, now: Instant, spent: int = 0) -> Desk:
    book, known = gathered.book, gathered.opened.records
    draft = Draft(log, parts.clock)
    draft.hear(known.newest())
    fresh = book._replace(rules=book.rules._replace(issued=now.seconds))
    return Desk(fresh, known, draft, now, spent)


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


async def _store(tx: TenantTx, desk: Desk, subjects: Mapping[Job, Subject]) -> Log:
    """Store the records, and move the tickets to where these say that they are, in their callers'
    names. Where that is one move of one caller, both go together."""
    groups, moves = _by_actor(subjects), _moves(desk, subjects)
    if len(groups) == len(moves) == 1:
        await asking.act_as(tx, groups[0][0])
        return await desk.draft.store(tx, moves[0])
    log = await desk.draft.store(tx)
    stands = _stands(desk)
    for job, tickets in groups:
        if states.due(tickets, stands):
            await asking.act_as(tx, job)
            await states.follow(tx, desk.book.event_id, tickets, stands)
    return log


def _stands(desk: Desk) -> dict[bytes, bool]:
    """Return of each ticket that was written of whether an entry stands."""
    written = {each.ticket for each in desk.draft.written}
    return {hash_: desk.known.stands(hash_) for hash_ in written if hash_ in desk.known.raws}


def _moves(desk: Desk, subjects: Mapping[Job, Subject]) -> list[Moves]:
    """Return where tickets have to move, each caller's by themselves."""
    stands = _stands(desk)
    return [
        Moves(desk.book.event_id, ids, move)
        for _, tickets in _by_actor(subjects)
        for move, ids in states.due(tickets, stands).items()
    ]


def _by_actor(subjects: Mapping[Job, Subject]) -> list[tuple[Job, list[Ticket]]]:
    """Return each ticket once, with those of the same caller: who decided on it last."""
    last = {each.ticket.hash: (job, each.ticket) for job, each in subjects.items() if each.ticket}
    groups: dict[str, tuple[Job, list[Ticket]]] = {}
    for job, ticket in last.values():
        groups.setdefault(job.origin.actor, (job, []))[1].append(ticket)
    return list(groups.values())
