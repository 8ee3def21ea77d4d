"""Jobs that can land no more, and whose signature no node knows. Nodes forget: what such a job
would have changed has a history, in which it is looked for before it is called dead."""

from collections.abc import Sequence
from typing import Final

from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerAway
from cloud.ledger.ports import Changes
from cloud.ledger.values import Landed
from cloud.ledger.work.event_rows import TreeRow
from cloud.ledger.work.found import Found, in_history
from cloud.ledger.work.house import House
from cloud.ledger.work.job_rows import Job
from cloud.ledger.work.lifecycle import News, searched
from cloud.ledger.work.reading import found_of
from cloud.ledger.work.steps import Kind

FIRST: Final = 100  # transactions of what a job would have made: nothing else touched it yet


async def expired(house: House, trees: Sequence[TreeRow], job: Job) -> Found:
    """Look for an expired job."""
    if (made := job.signed.creates) is not None:
        return await _founding(house, job, made)
    past = await _since(house, trees, job)
    if (mine := _mine(job, past.landed)) is not None:
        return in_history(job, mine)
    return _minted(job, past) if job.kind == Kind.MINT else _dead(job)


async def _founding(house: House, job: Job, made: Pubkey) -> Found:
    mine = _mine(job, await house.chain.history(made, None, None, FIRST))
    if mine is not None:
        return in_history(job, mine)
    if job.kind == "tree" and await house.ledger.tree(made) is not None:
        raise LedgerAway("rpc_behind", "a tree that is there, and nobody has made it")
    return _dead(job)


def _mine(job: Job, landed: Sequence[Landed]) -> Landed | None:
    return next((each for each in landed if each.signature == job.signed.signature), None)


def _dead(job: Job) -> Found:
    return Found(job, News.EXPIRED, fault="expired")


def _minted(job: Job, past: Changes) -> Found:
    """Say whether a mint's leaves are there, by whichever transaction."""
    leaves = found_of(job.signed.data_hashes, past.effects)
    news = searched(len(leaves), len(job.signed.data_hashes), past.unaccounted)
    return Found(job, news, tuple(leaves) if news is News.FOUND else (), fault=news.value)


async def _since(house: House, trees: Sequence[TreeRow], job: Job) -> Changes:
    """Return what was done to a job's tree since its history was read."""
    tree = next(each for each in trees if each.tree_no == job.tree_no)
    if tree.address is None:
        raise LedgerAway("no_tree", "a change of a tree that is not there")
    return await house.ledger.reconcile(tree.address, tree.cursor)
