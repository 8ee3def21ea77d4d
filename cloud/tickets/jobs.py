"""What the worker does for tickets: a guest list, batch by batch.

A batch is one transaction: its tickets, the guests' rows gone, how far the job is, and the
message for the next batch. A worker that is killed anywhere has done whole batches.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.keys.issuers import Issuer, Issuers
from cloud.messages.consumer import Handler, Message
from cloud.tickets import guests_rows, issuing, issuing_rows
from cloud.tickets.counting import make_known
from cloud.tickets.guests_model import (
    TOPIC,
    Fault,
    GuestRow,
    Job,
    more,
    seat_taken,
    sold_out,
)
from cloud.tickets.issuing import Guest

BATCH: Final = 4 * issuing.PIECE  # tickets: each piece but the first is signed beside another


class Batch(NamedTuple):
    """The next guests of a list, before their tickets are signed."""

    issuer: Issuer
    first: int  # the number of the first ticket
    taken: int  # lines
    given: list[Guest]
    faults: list[Fault]


async def on_guests_batch(tx: TenantTx, message: Message, issuers: Issuers) -> None:
    """Issue the tickets of a list's next guests."""
    job = await guests_rows.lock(tx, UUID(message.payload["job_id"]))
    if job is None:
        return
    try:
        async with tx.conn.transaction():  # a refusal takes no ticket off sale
            batch = await _prepare(tx, job, issuers)
    except Refusal as refusal:
        await _stop(tx, job, refusal.code)
        return
    if batch.given:
        await _store(tx, batch.issuer, job.event_id, batch.first, batch.given)
        await issuing.tell(tx, job.event_id, batch.first, len(batch.given), job_id=job.job_id)
    await _go_on(tx, job, batch)


async def _prepare(tx: TenantTx, job: Job, issuers: Issuers) -> Batch:
    """Take the job's next guests, and tickets off sale for them. The keys' lock comes last: who
    holds a ticket may be waiting for it."""
    first = await issuing_rows.open_event(tx, job.event_id, min(BATCH, job.total - job.done))
    rows = await guests_rows.take(tx, job, BATCH)
    given, faults = await _entitled(tx, job, rows)
    await issuing_rows.keep_keys(tx, job.event_id)
    issuer = await issuers.of(tx, job.event_id)
    return Batch(issuer, first, len(rows), given, faults)


async def _entitled(
    tx: TenantTx, job: Job, rows: Sequence[GuestRow]
) -> tuple[list[Guest], list[Fault]]:
    """Return the guests who get their tickets; some may have been sold since the list came."""
    seats = [row.seat for row in rows if row.seat is not None]
    lost = await issuing_rows.take_seats(tx, job.event_id, seats) if seats else set()
    left = Counter(row.class_index for row in rows if row.seat is None)
    if not job.over_capacity:
        for class_index, count in sorted(left.items()):
            left[class_index] = await issuing_rows.take_some(tx, job.event_id, class_index, count)
    given, faults = [], []
    for row in rows:
        if row.seat in lost:
            faults.append(seat_taken(row.line))
        elif row.seat is None and not left[row.class_index]:
            faults.append(sold_out(row.line))
        else:
            left[row.class_index] -= row.seat is None
            given.append(Guest(row.class_index, row.name, row.email, row.seat))
    return given, faults


async def _store(
    tx: TenantTx, issuer: Issuer, event_id: UUID, first: int, given: list[Guest]
) -> None:
    classes = await issuing_rows.classes(tx, event_id)
    async with aclosing(issuing.signed(issuer, classes, given)) as pieces:
        async for piece in pieces:
            await issuing_rows.insert(tx, event_id, first, issuer.kid, piece)
            first += len(piece)


async def _go_on(tx: TenantTx, job: Job, batch: Batch) -> None:
    done = job.done + batch.taken
    report = more(job.report, len(batch.given), batch.faults)
    if batch.taken and done < job.total:
        await guests_rows.progress(tx, job.job_id, "running", done, report)
        await tx.publish(TOPIC, f"job:{job.job_id}", job_id=job.job_id)
        return
    await guests_rows.progress(tx, job.job_id, "done", done, report)
    await tx.audit("guests.issued", f"job:{job.job_id}", tickets=report.issued)
    await make_known(tx, job.event_id)


async def _stop(tx: TenantTx, job: Job, code: str) -> None:
    """End a job that can't go on; what it has issued stands, and its report says how much."""
    report = job.report
    stopped = type(report)(report.issued, report.faulty, report.faults, code)
    await guests_rows.drop(tx, job.job_id)
    await guests_rows.progress(tx, job.job_id, "failed", job.done, stopped)
    await tx.audit("guests.stopped", f"job:{job.job_id}", tickets=report.issued, fault=code)


def handlers(issuers: Issuers) -> Mapping[str, Handler]:
    """Return the handlers of messages, by topic."""

    async def guests(tx: TenantTx, message: Message) -> None:
        await on_guests_batch(tx, message, issuers)

    return {TOPIC: guests}
