"""What a batch is about: who asks, what they show, their tickets and what is known of these.

Codes are judged by the book that this process keeps, and everything else is asked in one round
trip. Where the book turns out to be old, or somebody who asks is refused, it is done once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from cloud.accounts.permissions import Role
from cloud.checkins import reading
from cloud.checkins.asking import Job
from cloud.checkins.book import Book
from cloud.checkins.desk import Subject, told_of
from cloud.checkins.judging import Seen, check_form, look
from cloud.checkins.model import Redeem, Redeemed, Undo
from cloud.checkins.opening import Opened, Shelf, Wanted, open_scans
from cloud.checkins.worker import Clock, Opener
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, Principal
from cloud.http.kernel import Gatekeeper, Sealer
from shared.instant import Instant

SCAN: Final = "checkins:write"
SUPERVISOR: Final = "tickets:write"  # who may correct tickets may do a supervisor's acts
Looked = dict[Job, Seen | Redeemed | Refusal | None]  # None: an undo
Entries = dict[bytes, bytes]  # an undo's entry, and the hash of its ticket


@dataclass(frozen=True)
class Parts:
    """What every batch stands on."""

    shelf: Shelf
    gatekeeper: Gatekeeper
    sealer: Sealer
    opener: Opener
    clock: Clock


class Gathered(NamedTuple):
    """What those jobs are about that have no outcome yet."""

    book: Book
    subjects: dict[Job, Subject]
    opened: Opened


def is_plain(job: Job) -> bool:
    """Whether a job's caller can be judged in the round trip that reads its ticket: an account
    that scans a code. Whoever asks for more is judged before."""
    if job.key is not None or not isinstance(job.asked, Redeem) or job.asked.supervised:
        return False
    return job.principal.kind == "account"


async def gather(
    tx: TenantTx, jobs: Sequence[Job], parts: Parts, now: Instant, *, judged: bool
) -> Gathered | None:
    """Give an outcome to each job that is refused or shows no ticket; return what the others are
    about, their tickets locked; None if there are none."""
    event_id = jobs[0].event_id
    admitting = _admitting(parts.gatekeeper)
    book = parts.shelf.kept(tx.tenant, event_id)
    while asked := [job for job in jobs if job.outcome is None]:
        callers = [] if judged else list({job.principal: None for job in asked})
        if callers:
            tx.origin = tx.origin._replace(actor=callers[0].actor)
        looked = {job: _look(job, book, now) for job in asked} if book else {}
        entries = await _entries(tx, book, looked)
        wanted = await _wanted(tx, book, looked, entries)
        opened = await open_scans(tx, event_id, wanted, callers, admitting)
        if callers and not _judge(asked, callers, opened, parts.gatekeeper):
            continue
        newest = await parts.shelf.of(tx, event_id, opened)
        if newest is None:
            _refuse(asked, "not_found")
        elif newest is book:
            return _gathered(book, looked, entries, opened)
        book = newest
    return None


async def glance(tx: TenantTx, jobs: Sequence[Job], parts: Parts, now: Instant) -> Gathered | None:
    """Return what plain jobs are about, read without a lock; None where there is more to it:
    several callers, one who is refused, an old book, somebody to be told of what is written."""
    event_id = jobs[0].event_id
    book = parts.shelf.kept(tx.tenant, event_id)
    callers = list({job.principal: None for job in jobs})
    if book is None or len(callers) > 1:
        return None
    tx.origin = tx.origin._replace(actor=callers[0].actor)
    looked = {job: _look(job, book, now) for job in jobs}
    wanted = await _wanted(tx, book, looked, {})
    admitting = _admitting(parts.gatekeeper)
    opened = await open_scans(tx, event_id, wanted, callers, admitting, locking=False)
    if opened.heard or not parts.shelf.is_current(tx.tenant, event_id, opened.stamp):
        return None
    if not _judge(jobs, callers, opened, parts.gatekeeper):
        return None
    return _gathered(book, looked, {}, opened)


def _admitting(gatekeeper: Gatekeeper) -> list[Role]:
    return [role for role in Role if SCAN in gatekeeper.role_scopes(role)]


def _judge(
    jobs: Sequence[Job], callers: Sequence[Principal], opened: Opened, gatekeeper: Gatekeeper
) -> bool:
    """Say of each job who calls, or refuse it; return whether none is refused."""
    if not opened.known:
        _refuse(jobs, "not_found")
        return False
    standing = dict(zip(callers, opened.callers, strict=True))
    for job in jobs:
        who, row = job.principal, standing[job.principal]
        scopes = gatekeeper.role_scopes(row["role"])
        job.caller = Caller(who.kind, who.actor, who.account, row["role"], scopes)
        job.origin = job.origin._replace(actor=who.actor)
        try:
            if not row["current"]:
                raise Refusal("credentials_invalid")
            job.caller.need(SCAN)
        except Refusal as refusal:
            job.outcome = refusal
    return all(job.outcome is None for job in jobs)


def _refuse(jobs: Sequence[Job], code: str) -> None:
    for job in jobs:
        job.outcome = Refusal(code)


def _look(job: Job, book: Book, now: Instant) -> Seen | Redeemed | Refusal | None:
    """Return what a scan shows, what is told of it if that is no ticket, or why it isn't asked."""
    if not isinstance(job.asked, Redeem):
        return None
    try:
        check_form(job.asked)
        if job.asked.supervised:
            job.need(SUPERVISOR)
        seen = look(job.asked, book, now)
    except Refusal as refusal:
        return refusal
    return seen if seen.fault is None else told_of(seen)


async def _entries(tx: TenantTx, book: Book | None, looked: Looked) -> Entries:
    """Return of each entry that is to be undone the hash of its ticket."""
    undone = [bytes.fromhex(job.asked.entry) for job in looked if isinstance(job.asked, Undo)]
    return await reading.of_entries(tx, book.ref, undone) if book and undone else {}


async def _wanted(tx: TenantTx, book: Book | None, looked: Looked, entries: Entries) -> Wanted:
    """Return what the database is to be asked about."""
    if book is None:
        return Wanted()
    seen = [each for each in looked.values() if isinstance(each, Seen)]
    hashes = {each.scan.ticket_hash for each in seen if each.scan} | set(entries.values())
    named = {_named(job, each, book) for job, each in looked.items() if isinstance(each, Seen)}
    if entries:
        named.update(await reading.of_hashes(tx, book.event_id, list(entries.values())))
    return Wanted([each for each in named if each], hashes)


def _gathered(book: Book, looked: Looked, entries: Entries, opened: Opened) -> Gathered | None:
    by_hash = {each.hash: each for each in opened.tickets.values()}
    subjects = {}
    for job, seen in looked.items():
        if isinstance(seen, Redeemed | Refusal):
            job.outcome = seen
            continue
        named = _named(job, seen, book) if seen else None
        known_as = seen.scan.ticket_hash if seen and seen.scan else b""
        if isinstance(job.asked, Undo):
            known_as = entries.get(bytes.fromhex(job.asked.entry), b"")
        ticket = opened.tickets.get(named) if named else by_hash.get(known_as)
        subjects[job] = Subject(seen, ticket, ticket.hash if ticket else known_as)
    return Gathered(book, subjects, opened) if subjects else None


def _named(job: Job, seen: Seen, book: Book) -> UUID | None:
    """Return the ticket that a scan names, if it is one of this event."""
    if isinstance(job.asked, Redeem) and job.asked.ticket_id is not None:
        return job.asked.ticket_id
    if seen.scan is not None and seen.scan.token.event == book.ref:
        return UUID(bytes=seen.scan.token.ticket)
    return None
