"""Stored jobs: sent, looked for, and what became of them written down, all at once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from msgspec.structs import replace

from cloud.db.tenancy import TenantTx
from cloud.ledger.faults import LedgerFault
from cloud.ledger.ports import Done, Failed, Outcome, Pending
from cloud.ledger.values import Commitment
from cloud.ledger.work import asset_rows, event_rows, job_rows
from cloud.ledger.work.announcing import tell
from cloud.ledger.work.booking import book
from cloud.ledger.work.event_rows import TreeRow
from cloud.ledger.work.expired import Past, expired, failed
from cloud.ledger.work.found import Found, refused, told
from cloud.ledger.work.house import House
from cloud.ledger.work.job_rows import End, Job
from cloud.ledger.work.lifecycle import (
    FIRST_WAIT,
    MOST_ATTEMPTS,
    News,
    State,
    news_of,
)
from cloud.ledger.work.steps import Kind
from cloud.pacing import doubling

LOG = structlog.get_logger("usher.ledger")
LONGEST_WAIT: Final = 30.0  # seconds between two sends
FIRST_REST: Final = 5.0  # seconds that a ticket rests after a failure; doubles, and after an end
# that cost nothing, if it is true: who lies of it shall not have us sign without a pause
LONGEST_REST: Final = 600.0


class Overtaken(Exception):
    """Another writer has settled a job of ours: what is known here is old."""


async def pursue(house: House, trees: Sequence[TreeRow], jobs: Sequence[Job]) -> list[Found]:
    """Send jobs and look for them. None of this is written down yet."""
    faults = await asyncio.gather(*(_send(house, job) for job in jobs))
    outcomes, past = await _look_for(house, jobs), Past(house, trees)
    return await asyncio.gather(
        *(_read(past, *each) for each in zip(jobs, outcomes, faults, strict=True))
    )


async def settle(tx: TenantTx, event_id: UUID, found: Sequence[Found]) -> None:
    """Write down what became of jobs, with all that follows. Raises `Overtaken`."""
    ended = [each for each in found if each.state is not State.SIGNED]
    waits = [each for each in found if each.state is State.SIGNED]
    if waits:
        await job_rows.sent(tx, event_id, [_again(each) for each in waits])
    if not ended:
        return
    ends = [End(each.job.job_id, each.state, each.slot, each.fault) for each in ended]
    if not await job_rows.end(tx, event_id, ends):
        raise Overtaken
    await book(tx, event_id, ended)
    await _landed(tx, event_id, [each for each in ended if each.state is State.LANDED])
    dead = [each.job.job_id for each in ended if each.state is State.DEAD]
    if dead:
        await asset_rows.free(tx, event_id, dead, timedelta(seconds=FIRST_REST))
    for each in ended:
        if each.state is State.FAILED:
            wait = timedelta() if each.stale else timedelta(seconds=FIRST_REST)
            await asset_rows.failed(
                tx, event_id, [each.job.job_id], each.fault, wait, MOST_ATTEMPTS
            )
        if each.state is not State.LANDED:
            LOG.warning(
                "ledger_job", job=str(each.job.job_id), state=each.state.value, fault=each.fault
            )


async def _send(house: House, job: Job) -> str:
    """Send a job; return what was said against it, which is no word that it has not landed."""
    try:
        refused = await house.ledger.submit(job.signed)
    except LedgerFault as fault:
        return fault.code
    return "" if refused is None else refused.name


async def _look_for(house: House, jobs: Sequence[Job]) -> Sequence[Outcome | LedgerFault]:
    try:
        signed = [job.signed for job in jobs]
        return await house.ledger.resolve_all(signed, Commitment.CONFIRMED)
    except LedgerFault:  # of one, perhaps: each is looked for by itself
        return await asyncio.gather(*(_look(house, job) for job in jobs))


async def _look(house: House, job: Job) -> Outcome | LedgerFault:
    try:
        return await house.ledger.resolve(job.signed, Commitment.CONFIRMED)
    except LedgerFault as fault:
        return fault


async def _read(past: Past, job: Job, outcome: Outcome | LedgerFault, fault: str) -> Found:
    if isinstance(outcome, LedgerFault):  # whatever it is, it is no word that nothing landed
        return Found(job, News.WAITING, fault=outcome.code)
    try:
        found = await _found(past, job, outcome, fault)
    except LedgerFault as unknown:
        return Found(job, News.WAITING, fault=unknown.code)
    return found if past.house.booked else replace(found, paid=None)


async def _found(past: Past, job: Job, outcome: Outcome, fault: str) -> Found:
    news = news_of(outcome)
    match outcome:
        case Done(slot, effects, paid):
            return Found(job, news, told(job, effects), slot, paid=paid)
        case Failed(error, stale, paid):
            said = refused(job, error, paid, stale=stale)
            return await failed(past, job, said) if job.kind == Kind.MINT else said
        case Pending():
            return Found(job, news, fault=fault)
    return await expired(past, job)


def _again(found: Found) -> tuple[UUID, timedelta, str]:
    wait = doubling(FIRST_WAIT, LONGEST_WAIT, found.job.sends + 1)
    return found.job.job_id, timedelta(seconds=wait), found.fault


async def _landed(tx: TenantTx, event_id: UUID, landed: Sequence[Found]) -> None:
    mints = [each for each in landed if each.job.kind == Kind.MINT]
    rows = [
        (each.job.job_id, place, each.job.tree_no or 0, effect)
        for each in mints
        for place, effect in enumerate(each.told)
    ]
    if rows:
        minted = await asset_rows.minted(tx, event_id, rows)
        if len(minted) != len(rows):
            raise Overtaken
        await tell(tx, event_id, minted)
        for tree_no in {row[2] for row in rows}:
            leaves = sum(row[2] == tree_no for row in rows)
            await event_rows.counted(tx, event_id, tree_no, leaves)
    changes = [(each.job.job_id, each.told[0]) for each in landed if each.job.ticket_id is not None]
    if changes:
        await asset_rows.changed(tx, event_id, changes)
    for each in landed:
        made = each.job.signed.creates
        if made is not None and each.job.kind == "tree":
            await event_rows.opened(tx, event_id, each.job.tree_no or 0, made)
        elif made is not None:
            await event_rows.collected(tx, event_id, made)
