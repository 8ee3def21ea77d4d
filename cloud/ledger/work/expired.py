"""Jobs that can land no more and whose signature no node knows, and mints that are said to have
failed. Nodes forget, and one may lie: what such a job would have changed has a history and an
account, in which it is looked for before its tickets are signed for again."""

import asyncio
from collections.abc import Sequence
from typing import Final

from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerAway, LedgerUntrusted
from cloud.ledger.ports import Changes
from cloud.ledger.values import Commitment, Landed
from cloud.ledger.work.event_rows import TreeRow
from cloud.ledger.work.found import Found, in_history
from cloud.ledger.work.house import House
from cloud.ledger.work.job_rows import Job
from cloud.ledger.work.lifecycle import News, searched
from cloud.ledger.work.reading import found_of
from cloud.ledger.work.steps import Kind

FIRST: Final = 100  # transactions of what a job would have made: nothing else touched it yet


class Past:
    """What was done to trees since their history was read: asked when it is first needed, which is
    after all jobs were looked for, and once a tree."""

    def __init__(self, house: House, trees: Sequence[TreeRow]) -> None:
        self.house = house
        self._trees = trees
        self._asked: dict[int, Changes] = {}
        self._turn = asyncio.Lock()

    async def of(self, job: Job) -> Changes:
        """Return what was done to a job's tree."""
        row, address = self._tree(job)
        async with self._turn:
            if row.tree_no not in self._asked:
                told = await self.house.ledger.reconcile(address, row.cursor)
                self._asked[row.tree_no] = told
            return self._asked[row.tree_no]

    async def is_all_known(self, job: Job) -> bool:
        """Whether a job's tree has no more leaves than were settled: then none is unknown."""
        row, address = self._tree(job)
        tree = await self.house.ledger.tree(address)
        return tree is not None and tree.minted <= row.minted

    def _tree(self, job: Job) -> tuple[TreeRow, Pubkey]:
        row = next(each for each in self._trees if each.tree_no == job.tree_no)
        if row.address is None:
            raise LedgerAway("no_tree", "a change of a tree that is not there")
        return row, row.address


async def expired(past: Past, job: Job) -> Found:
    """Look for an expired job."""
    if (made := job.signed.creates) is not None:
        return await _founding(past.house, job, made)
    changes = await past.of(job)
    if (mine := _mine(job, changes.landed)) is not None:
        return in_history(job, mine)
    return await _minted(past, job, changes) if job.kind == Kind.MINT else _dead(job)


async def failed(past: Past, job: Job, said: Found) -> Found:
    """Return what is *said* of a mint that is to have failed, if its tree says so too. Raises
    `LedgerUntrusted` ("job_failed"): it is looked for again."""
    if await past.is_all_known(job):
        return said
    changes = await past.of(job)
    leaves = found_of(job.signed.data_hashes, changes.effects)
    if leaves or changes.unaccounted > changes.unread:
        raise LedgerUntrusted("job_failed", "its tree has its leaves, or what nobody tells of")
    return said


async def _founding(house: House, job: Job, made: Pubkey) -> Found:
    mine = _mine(job, await house.chain.history(made, None, None, FIRST))
    if mine is not None:
        return in_history(job, mine)
    if any(await house.chain.accounts(made, Commitment.CONFIRMED, surely=True)):
        raise LedgerAway("rpc_behind", "what it was to make is there, and nobody has made it")
    return _dead(job)


def _mine(job: Job, landed: Sequence[Landed]) -> Landed | None:
    return next((each for each in landed if each.signature == job.signed.signature), None)


def _dead(job: Job) -> Found:
    return Found(job, News.EXPIRED, fault="expired")


async def _minted(past: Past, job: Job, changes: Changes) -> Found:
    """Say whether a mint's leaves are there, by whichever transaction. A gap may hold them, but for
    a tree that has no leaves which aren't known."""
    leaves = found_of(job.signed.data_hashes, changes.effects)
    gap = changes.unaccounted > 0 and not leaves and not await past.is_all_known(job)
    news = searched(len(leaves), len(job.signed.data_hashes), gap=gap)
    return Found(job, news, tuple(leaves) if news is News.FOUND else (), fault=news.value)
